"""Imports run one way, transfer -> training -> serving, and the slim server needs no TensorFlow."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "serving": {"serving"},
    "training": {"training", "serving"},
    "transfer": {"transfer", "training", "serving"},
}
TENSORFLOW = {"tensorflow", "keras", "tensorflow_serving"}
OPTIONAL = {"serving/tfserving.py", "serving/protos/tfserving_pb2.py"}
"""Modules of an extra: they import at their top what the slim server lacks, and so no other module may at its own."""
SOURCES = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]

each_source = pytest.mark.parametrize("source", SOURCES, ids=[path.relative_to(ROOT).as_posix() for path in SOURCES])


def imported(code: str, package: str, *, at_import: bool = False) -> set[str]:
    """Top-level names of what `code`, a module directly in `package`, imports.

    With `at_import`, only what importing the module itself imports, not what its functions would.
    """
    names: set[str] = set()
    for node in _nodes(ast.parse(code), at_import):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(package if node.level else (node.module or "").partition(".")[0])
    return names


def _nodes(tree: ast.AST, at_import: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if at_import and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if at_import and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _nodes(node, at_import)


@cache
def declared(*extras: str) -> set[str]:
    """Distributions that installing `inkling[extras]` asks for by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = set()
    for requirement in [
        *project["dependencies"],
        *(line for extra in extras for line in project["optional-dependencies"][extra]),
    ]:
        found.add(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])
    return found


@cache
def providers() -> dict[str, set[str]]:
    """Import name -> the installed distributions that provide it."""
    return {
        name: {re.sub(r"[-_.]+", "-", distribution).lower() for distribution in distributions}
        for name, distributions in packages_distributions().items()
    }


def undeclared(names: set[str], *extras: str) -> set[str]:
    foreign = names - sys.stdlib_module_names - MAY_IMPORT.keys()
    return {name for name in foreign if not providers().get(name, {name}) & declared(*extras)}


@pytest.mark.parametrize(
    ("code", "everywhere", "at_import"),
    [
        ("import keras.layers as layers", {"keras"}, {"keras"}),
        ("from tensorflow import io", {"tensorflow"}, {"tensorflow"}),
        ("from . import ink", {"serving"}, {"serving"}),
        ("def load():\n    import tensorflow", {"tensorflow"}, set()),
        ("class Engine:\n    import tensorflow", {"tensorflow"}, {"tensorflow"}),
        ("try:\n    import keras\nexcept ImportError:\n    pass", {"keras"}, {"keras"}),
        ("if TYPE_CHECKING:\n    import keras", {"keras"}, set()),
    ],
)
def test_the_reader_of_imports_tells_those_of_functions_from_those_of_modules(
    code: str, everywhere: set[str], at_import: set[str]
) -> None:
    assert imported(code, "serving") == everywhere
    assert imported(code, "serving", at_import=True) == at_import


def test_every_package_has_sources() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(MAY_IMPORT)


@each_source
def test_imports_run_from_transfer_over_training_to_serving(source: Path) -> None:
    package = source.relative_to(ROOT).parts[0]
    ours = imported(source.read_text(encoding="utf-8"), package) & (MAY_IMPORT.keys() | {"tests"})
    assert ours <= MAY_IMPORT[package]


@each_source
def test_whatever_a_module_imports_is_declared_where_it_is_installed(source: Path) -> None:
    package = source.relative_to(ROOT).parts[0]
    code = source.read_text(encoding="utf-8")
    assert not undeclared(imported(code, package), "train", "tfserving", "otel")
    if package == "serving":
        at_import = imported(code, package, at_import=True)
        assert not at_import & TENSORFLOW
        optional = source.relative_to(ROOT).as_posix() in OPTIONAL
        assert not undeclared(at_import, *(["tfserving"] if optional else []))


def test_the_server_is_imported_where_tensorflow_cannot_be() -> None:
    program = f"""
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {TENSORFLOW | {"training", "transfer"}}:
            raise ImportError(name + " is not installed here")

sys.meta_path.insert(0, Absent())
try:
    import tensorflow
except ImportError:
    pass
else:
    raise SystemExit("tensorflow could be imported all the same")

import serving.app, serving.__main__
optional = {{name for name in sys.modules if name.partition(".")[0] in {{"grpc", "google"}}}}
assert not optional, optional
print(sorted(rule.rule for rule in serving.app.create_app().url_map.iter_rules()))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "'/predict'" in done.stdout


@pytest.mark.parametrize("modules", ["training.__main__, training.book.listing", "transfer.__main__"])
def test_a_command_answers_what_is_wrong_with_it_before_keras_is_imported(modules: str) -> None:
    code = f"import sys, {modules}; print(*{TENSORFLOW} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []

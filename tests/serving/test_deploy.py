"""compose.yaml and the Kubernetes manifests: valid, and in agreement with the server, the image and each other."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2
from werkzeug.exceptions import HTTPException

from serving import tfserving
from serving.app import create_app
from serving.bundle import read
from serving.config import Config
from serving.repository import SHIPPED, Repository

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "serving" / "deploy"
KUBERNETES = ("1.34", "1.37")
"""The oldest and the newest version that manifests are validated for."""
MODEL_SERVER_FLAGS = {
    *("port", "rest_api_port", "model_config_file", "model_config_file_poll_wait_seconds", "monitoring_config_file"),
    *("enable_batching", "batching_parameters_file", "tensorflow_intra_op_parallelism"),
    *("tensorflow_inter_op_parallelism", "grpc_channel_arguments"),
}
"""Those of TensorFlow Serving 2.19's `main.cc` that are used here."""

Document = dict[str, Any]


@cache
def compose() -> Document:
    found: Document = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


@cache
def documents() -> list[tuple[str, Document]]:
    """Every document of every manifest, with its file's name."""
    return [
        (path.relative_to(DEPLOY).as_posix(), document)
        for folder in ("web", "tfserving")
        for path in sorted((DEPLOY / folder).glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


MANIFESTS = [(file, document) for file, document in documents() if document["kind"] != "Kustomization"]
each_manifest = pytest.mark.parametrize(
    "manifest", [d for _, d in MANIFESTS], ids=[f"{file}:{d['kind']}/{d['metadata']['name']}" for file, d in MANIFESTS]
)


def of_kind(kind: str) -> list[Document]:
    return [document for _, document in MANIFESTS if document["kind"] == kind]


def containers() -> Iterator[tuple[Document, Document]]:
    """Every container with the pod that it is in."""
    for deployment in of_kind("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            yield pod, container


CONTAINERS = {container["name"]: (pod, container) for pod, container in containers()}
each_container = pytest.mark.parametrize(("pod", "container"), CONTAINERS.values(), ids=CONTAINERS)


def flags(words: list[str]) -> dict[str, str]:
    return dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))


# --- valid


@pytest.mark.parametrize("version", KUBERNETES)
@each_manifest
def test_it_is_what_that_version_of_kubernetes_understands(manifest: Document, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_manifest_would_be_noticed() -> None:
    wrong = yaml.safe_load((DEPLOY / "web" / "models.yaml").read_text())
    wrong["spec"]["accessmodes"] = wrong["spec"].pop("accessModes")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES[0], strict=True)


@pytest.mark.parametrize("folder", ["web", "tfserving"])
def test_kustomize_makes_one_of_the_parts(folder: str) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed, so kustomization.yaml itself is not checked")
    done = subprocess.run(["kubectl", "kustomize", DEPLOY / folder], capture_output=True, text=True, check=True)
    made = list(yaml.safe_load_all(done.stdout))
    for document in made:
        kubernetes_validate.validate(document, KUBERNETES[0], strict=True)
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "inkling"
    deployments = {d["metadata"]["name"]: d["spec"]["template"]["spec"] for d in made if d["kind"] == "Deployment"}
    args = flags(deployments["inkling-web"]["containers"][0]["args"])
    if folder == "web":
        assert "engine" not in args
    else:
        assert args["engine"] == "tfserving"
        service, _, port = args["tfserving"].partition(":")
        (grpc,) = [s for s in made if s["kind"] == "Service" and s["metadata"]["name"] == service]
        assert int(port) in [p["port"] for p in grpc["spec"]["ports"]]


def test_compose_keeps_to_its_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# --- in agreement with the server


def compose_words(arguments: str) -> list[str]:
    command: str = compose()["services"]["web"]["command"]
    assert "${INKLING_ARGS:-}" in command
    return shlex.split(command.replace("${INKLING_ARGS:-}", arguments))


def server_words() -> dict[str, list[str]]:
    arguments = re.search(r'^# .*INKLING_ARGS="(.*)"', (ROOT / "compose.yaml").read_text(), re.MULTILINE)
    assert arguments
    web = CONTAINERS["web"][1]
    patch = yaml.safe_load(
        yaml.safe_load((DEPLOY / "tfserving" / "kustomization.yaml").read_text())["patches"][0]["patch"]
    )
    dockerfile = (ROOT / "Dockerfile").read_text()
    return {
        "web.yaml": web["args"],
        "with TensorFlow Serving": [*web["args"], *(change["value"] for change in patch)],
        "compose.yaml": compose_words(""),
        "compose.yaml with TensorFlow Serving": compose_words(arguments[1]),
        "Dockerfile": yaml.safe_load(dockerfile.rpartition("\nCMD ")[2]),
    }


@pytest.mark.parametrize("place", server_words())
def test_the_server_knows_the_flags_that_it_is_started_with(place: str) -> None:
    command, *words = server_words()[place]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert command in project["scripts"]
    program = f"""
import sys
from unittest.mock import patch
import serving.__main__ as main
sys.argv[1:] = {words}
with patch.object(main, "serve", lambda config, *rest: print(rest)):
    main.main()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "'0.0.0.0', 8000" in done.stdout


def test_there_is_a_worker_for_each_processor() -> None:
    web = CONTAINERS["web"][1]
    assert flags(web["args"])["workers"] == web["resources"]["limits"]["cpu"]
    service = compose()["services"]["web"]
    assert flags(compose_words(""))["workers"] == service["deploy"]["resources"]["limits"]["cpus"]


def answered(path: str, tmp_path: Path) -> bool:
    try:
        create_app(Config(models=tmp_path)).url_map.bind("localhost").match(path)
    except HTTPException:
        return False
    return True


def test_the_paths_that_are_asked_exist(tmp_path: Path) -> None:
    web = CONTAINERS["web"][1]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert answered(web[probe]["httpGet"]["path"], tmp_path)
    assert not answered("/nothing", tmp_path)
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/\w+)", compose()["services"]["web"]["healthcheck"]["test"][-1])
    assert answered(path, tmp_path)
    # The web server speaks TensorFlow Serving's REST API, and so can tell whether that would know these.
    client = create_app(Config(models=tmp_path)).test_client()
    for probe in ("startupProbe", "readinessProbe"):
        assert client.get(CONTAINERS["tfserving"][1][probe]["httpGet"]["path"]).status_code == 200


def test_prometheus_asks_where_figures_are(tmp_path: Path) -> None:
    scraped = {
        job["job_name"]: (job["metrics_path"], job["static_configs"][0]["targets"])
        for job in yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    }
    annotated = {}
    for deployment in of_kind("Deployment"):
        notes = deployment["spec"]["template"]["metadata"]["annotations"]
        annotated[deployment["metadata"]["name"]] = (notes["prometheus.io/path"], int(notes["prometheus.io/port"]))
    assert scraped["inkling"] == ("/metrics", ["web:8000"])
    assert annotated["inkling-web"] == ("/metrics", 8000)
    monitoring = (DEPLOY / "tfserving" / "monitoring.config").read_text()
    (path,) = re.findall(r'path: "(\S+)"', monitoring)
    assert scraped["tfserving"] == (path, ["tfserving:8501"])
    assert annotated["inkling-tfserving"] == (path, 8501)
    if not answered("/metrics", tmp_path):
        pytest.skip("the web server has no /metrics yet")


# --- in agreement with TensorFlow Serving and the bundles


def model_server_words() -> dict[str, list[str]]:
    return {
        "tfserving.yaml": CONTAINERS["tfserving"][1]["args"],
        "compose.yaml": compose()["services"]["tfserving"]["command"],
    }


@pytest.mark.parametrize("place", model_server_words())
def test_tensorflow_serving_knows_its_flags_and_has_its_files(place: str) -> None:
    given = flags(model_server_words()[place])
    assert given.keys() <= MODEL_SERVER_FLAGS
    assert (given["port"], given["rest_api_port"]) == ("8500", "8501")
    for name in ("model_config_file", "monitoring_config_file", "batching_parameters_file"):
        folder, _, file = given[name].rpartition("/")
        assert folder == "/config"
        assert (DEPLOY / "tfserving" / file).is_file()
    generated = yaml.safe_load((DEPLOY / "tfserving" / "kustomization.yaml").read_text())["configMapGenerator"][0]
    assert set(generated["files"]) == {path.name for path in (DEPLOY / "tfserving").glob("*.config")}


def test_every_shipped_model_is_served_from_where_bundles_lie(tmp_path: Path) -> None:
    text = (DEPLOY / "tfserving" / "models.config").read_text()
    listed = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config
    assert {config.name: config.base_path for config in listed} == {
        name: f"/models/{name}" for name in Repository(tmp_path).names()
    }
    for config in listed:
        assert config.model_platform == "tensorflow"
        assert config.model_version_policy.WhichOneof("policy_choice") == "all"


def test_a_batch_holds_the_largest_call_of_our_engine() -> None:
    text = (DEPLOY / "tfserving" / "batching.config").read_text()
    sizes = dict(re.findall(r"^(\w+) \{ value: (\d+) \}", text, flags=re.MULTILINE))
    assert int(sizes["max_batch_size"]) >= tfserving._MOST
    assert sizes["num_batch_threads"] == CONTAINERS["tfserving"][1]["resources"]["limits"]["cpu"]


def test_the_shipped_models_are_copied_to_where_there_are_none(tmp_path: Path) -> None:
    python, option, program = CONTAINERS["shipped-models"][1]["command"]
    assert (python, option) == ("python", "-c")
    (version,) = (path.name for path in (SHIPPED / "digits").iterdir() if path.name.isdecimal())
    own = tmp_path / "digits" / version / "mine"
    own.parent.mkdir(parents=True)
    own.touch()
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program.replace("/models", str(tmp_path))], cwd=ROOT, check=True)
    assert own.exists()
    assert not list(tmp_path.glob("*/.writing-*"))
    for shipped in SHIPPED.glob("symbols/*"):
        assert read(tmp_path / "symbols" / shipped.name).name == "symbols"


# --- in agreement with each other


def test_all_speak_of_the_same_images() -> None:
    image = re.search(r"^IMAGE = (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert image
    services = compose()["services"]
    assert services["web"]["image"] == CONTAINERS["web"][1]["image"] == image[1]
    assert CONTAINERS["shipped-models"][1]["image"] == image[1]
    assert services["tfserving"]["image"] == CONTAINERS["tfserving"][1]["image"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for folder in ("web", "tfserving"):
        (renamed,) = yaml.safe_load((DEPLOY / folder / "kustomization.yaml").read_text())["images"]
        assert renamed == {"name": image[1], "newName": f"registry.example/{image[1]}", "newTag": version}


def test_selectors_find_the_pods_that_are_meant() -> None:
    pods = {d["metadata"]["name"]: d["spec"]["template"]["metadata"]["labels"] for d in of_kind("Deployment")}
    for deployment in of_kind("Deployment"):
        labels = pods[deployment["metadata"]["name"]]
        assert deployment["spec"]["selector"]["matchLabels"] == labels
        for spread in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"] == labels
    for service in of_kind("Service"):
        assert service["spec"]["selector"] == pods[service["metadata"]["name"]]
    for budget in of_kind("PodDisruptionBudget"):
        assert budget["spec"]["selector"]["matchLabels"] == pods[budget["metadata"]["name"]]
    for scaler in of_kind("HorizontalPodAutoscaler"):
        assert scaler["spec"]["scaleTargetRef"]["name"] in pods
    for policy in of_kind("NetworkPolicy"):
        wanted = policy["spec"]["podSelector"].get("matchLabels")
        assert wanted is None or wanted in pods.values()


def test_ports_are_those_that_are_listened_on() -> None:
    open_ports = {}
    for name in ("web", "tfserving"):
        container = CONTAINERS[name][1]
        given = flags(container["args"])
        listening = {int(given[flag]) for flag in ("port", "rest_api_port") if flag in given}
        assert {port["containerPort"] for port in container["ports"]} == listening
        open_ports |= {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            ask = container[probe].get("httpGet") or container[probe]["tcpSocket"]
            assert ask["port"] in open_ports
    for service in of_kind("Service"):
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in open_ports
    allowed = {
        port["port"]
        for policy in of_kind("NetworkPolicy")
        for rule in policy["spec"].get("ingress", ())
        for port in rule["ports"]
    }
    assert allowed == set(open_ports.values())


@each_container
def test_no_container_may_do_more_than_it_needs(pod: Document, container: Document) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
    assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("name", compose()["services"])
def test_no_service_may_do_more_than_it_needs(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert service["healthcheck"]["test"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    for volume in service["volumes"]:
        place = volume.partition(":")[0]
        assert (ROOT / place).exists() or place in compose()["volumes"]


def test_one_user_everywhere_and_it_is_not_root() -> None:
    (user,) = re.findall(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert {pod["securityContext"]["runAsUser"] for pod, _ in containers()} == {int(user)}
    assert compose()["services"]["tfserving"]["user"] == f"{user}:{user}"

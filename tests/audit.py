"""`make audit`: are there known faults in the versions that constraints.txt holds? Asks PyPI through pip-audit.

Exits 0 where all were looked up and none is known to be faulty, 1 where one is, 2 where PyPI could not be asked.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"


def main() -> None:
    """Ask, and say what was found."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(CONSTRAINTS), "--no-deps", "--disable-pip"]
    asked = subprocess.run([*command, "--format=json", "--progress-spinner=off"], capture_output=True, text=True)
    try:
        packages = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        _nothing(last)
    known = [package for package in packages if "vulns" in package]
    if not known:
        _nothing(packages[0].get("skip_reason", "no reason given") if packages else "constraints.txt is empty")
    faulty = [package for package in known if package["vulns"]]
    for package in faulty:
        for fault in package["vulns"]:
            mended = ", ".join(fault["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {fault['id']}, mended in {mended}")
    skipped = [package["name"] for package in packages if "vulns" not in package]
    if skipped:
        print(f"Not looked up, as PyPI does not know them: {', '.join(skipped)}")
    print(f"{len(known)} of {len(packages)} packages were looked up; {len(faulty)} have known faults.")
    sys.exit(1 if faulty else 0)


def _nothing(reason: str) -> NoReturn:
    print(f"Nothing was audited: PyPI's list of known faults could not be asked ({reason}).", file=sys.stderr)
    print("Run this where https://pypi.org can be reached.", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()

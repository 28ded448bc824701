"""Which dependencies have wheels for which Python on which system: the table of docs/platforms.md.

    python benchmarks/wheels.py

Asks the package index that pip is set up for; nothing is downloaded. Dependencies of dependencies are not
asked for.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.requirements import Requirement

PYTHONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
# What pip calls a system's wheels, and what `sys_platform` says there.
_MACS = ("10_13", "11_0", "12_0", "13_0", "14_0", "15_0")
SYSTEMS = {
    "Linux x86-64": (("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64"), "linux"),
    "macOS arm64": (tuple(f"macosx_{number}_arm64" for number in _MACS), "darwin"),
    "macOS x86-64": (tuple(f"macosx_{number}_x86_64" for number in _MACS), "darwin"),
    "Windows x86-64": (("win_amd64",), "win32"),
}


def main() -> None:
    """Print a row for each extra and system: what has no wheel, for each Python."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    groups = {"plain install": project["dependencies"], **project["optional-dependencies"]}
    groups = {
        name: [Requirement(one) for one in wanted if not one.startswith("epdcli")]
        for name, wanted in groups.items()
    }
    asked = {
        (str(one), system, python): one
        for wanted in groups.values()
        for one, system, python in itertools.product(wanted, SYSTEMS, PYTHONS)
    }
    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(asked, pool.map(lambda key: _has_wheel(asked[key], *key[1:]), asked), strict=True))
    print(f"| | | {' | '.join(PYTHONS)} |\n|---|---|{'---|' * len(PYTHONS)}")
    for name, wanted in groups.items():
        for system in SYSTEMS if wanted else ():
            missing = [
                [one.name for one in wanted if not answers[str(one), system, python]] for python in PYTHONS
            ]
            print(f"| {name} | {system} | {' | '.join(', '.join(names) or 'all' for names in missing)} |")


def _has_wheel(wanted: Requirement, system: str, python: str) -> bool:
    """Whether a version that is allowed has a wheel; also where it isn't needed there."""
    tags, platform = SYSTEMS[system]
    there = {"sys_platform": platform, "python_version": python}
    if wanted.marker and not wanted.marker.evaluate(there):
        return True
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps", "--target", "nowhere"]
    pip += ["--ignore-installed", "--only-binary", ":all:", "--python-version", python]
    pip += [word for tag in tags for word in ("--platform", tag)]
    pip += [f"{wanted.name}{wanted.specifier}"]
    answer = subprocess.run(pip, capture_output=True, text=True, check=False)
    told = ("No matching distribution", "ResolutionImpossible")  # the second where pip has constraints
    if answer.returncode and not any(words in answer.stderr for words in told):
        raise SystemExit(answer.stderr)  # the index could not be asked
    return answer.returncode == 0


if __name__ == "__main__":
    main()

"""Everything looked at, in order."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from epdcli.diagnosis import backends, surroundings
from epdcli.diagnosis.backends import Place
from epdcli.diagnosis.finding import Finding, State
from epdcli.errors import UsageError

_PORTRAIT = Path(__file__).parents[2] / "examples" / "pictures" / "astronaut.jpg"  # in a checkout only

NOTHING = "all of them"  # the subject of the finding that nothing usable is left


def examine(output: Path, picture: Path | None = None) -> Iterator[Finding]:
    """All findings: packages, machine, weights, each backend, privacy, drivers.

    `output` is where pictures will be written; `picture` is a portrait to run through every backend, by
    default the example where it is there. Slow runtimes take seconds each. Raises UsageError when that
    picture is not there.
    """
    if picture and not picture.is_file():
        raise UsageError(f"{picture} does not exist.", hint="Check the name.")
    yield from surroundings.python_and_packages()
    yield from surroundings.memory_and_disk(output)
    networks, about_weights = backends.weights()
    yield from about_weights
    places, about_places = backends.places()
    yield from about_places
    whole = all(finding.state is State.OK for finding in about_weights)
    usable: list[Place] = []
    for place in places:
        found = backends.tried(place, networks)
        yield from found
        if whole and all(finding.state is State.OK for finding in found):
            usable.append(place)
    if not usable:
        said = "no backend runs all networks" if whole else "not all networks are there, so nothing can run"
        yield Finding(
            "backends", NOTHING, State.FAILED, said, 'Try: pip install --force-reinstall "epdcli[all]"'
        )
    portrait = picture or (_PORTRAIT if _PORTRAIT.is_file() else None)
    yield from backends.verdicts(usable, portrait)
    devices: dict[str, list[str]] = {}
    for place in places:
        devices.setdefault(place.backend.name, []).append(place.device)
    yield from surroundings.drivers(surroundings.nvidia_driver(), devices, _torch_cuda())


def _torch_cuda() -> str | None:
    """The CUDA that torch was built for, if a backend has loaded torch."""
    return getattr(getattr(sys.modules.get("torch"), "version", None), "cuda", None)


def exit_code(findings: Sequence[Finding]) -> int:
    """3 when nothing usable is left, 1 when something has failed, else 0."""
    failed = [finding for finding in findings if finding.state is State.FAILED]
    if any((finding.part, finding.subject) == ("backends", NOTHING) for finding in failed):
        return 3
    return 1 if failed else 0

"""Each backend on each of its devices: every network really run, and the privacy verdicts compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from epdcli import pictures
from epdcli.deidentifier import Deidentifier, Options
from epdcli.diagnosis.finding import Finding, State
from epdcli.errors import BackendNotInstalled, EpdError, SetupError
from epdcli.faces.verification import STRANGER_DISTANCE, distances
from epdcli.networks import Network, load_network, network_names
from epdcli.runtimes import Backend, devices_of, find_backends, load_backend


@dataclass(frozen=True)
class Place:
    """A backend on one of its devices."""

    backend: Backend
    device: str

    def __str__(self) -> str:
        return f"{self.backend.name} on {self.device}"


@dataclass(frozen=True)
class Judgement:
    """What one place says of faces: is each pair two people, and how far apart are they."""

    strangers: tuple[bool, ...]
    distances: tuple[float, ...]


def weights() -> tuple[list[Network], list[Finding]]:
    """The shipped networks whose files are what the manifest says, and what is wrong with the others."""
    good, findings = [], []
    try:
        names = network_names()
    except EpdError as error:
        return [], [_failed("weights", "manifest", error)]
    for name in names:
        try:
            good.append(load_network(name))
        except EpdError as error:
            findings.append(_failed("weights", name, error))
    if not findings:
        said = ", ".join(f"{network.name} {network.version}" for network in good)
        findings.append(Finding("weights", "networks", State.OK, f"{said}: as in the manifest"))
    return good, findings


def places() -> tuple[list[Place], list[Finding]]:
    """Every device of every declared backend that loads, and why the others don't."""
    found, findings = [], []
    for name in find_backends():
        try:
            backend = load_backend(name)
            found += [Place(backend, device) for device in devices_of(backend)]
        except BackendNotInstalled as error:
            findings.append(Finding("backends", name, State.NOTE, error.message, error.hint))
        except SetupError as error:
            findings.append(_failed("backends", name, error))
    return found, findings


def tried(place: Place, networks: Sequence[Network]) -> list[Finding]:
    """Run every network there on its golden input; one finding for all that answer right, one for each other.

    A network that can't be opened there, or whose answer differs by more than its tolerance, has failed.
    """
    right, findings = {}, []
    for network in networks:
        try:
            share, provider = _golden_gap(place, network)
        except Exception as error:  # a runtime may raise anything; it harms its own line only
            findings.append(_failed("backends", f"{place}, {network.name}", error))
            continue
        if share <= 1:
            right[network.name] = (share, provider)
        else:
            said = f"its answer differs from the golden one by {share:.2g} times what is allowed"
            hint = "Don't use it; renew the runtime"
            findings.append(Finding("backends", f"{place}, {network.name}", State.FAILED, said, hint))
    if right:
        largest = max(share for share, _ in right.values())
        providers = ", ".join(sorted({provider for _, provider in right.values()}))
        said = f"{len(right)} of {len(networks)} networks answer as their golden pair ({providers}; "
        said += f"largest difference {largest:.2g} of what is allowed)"
        findings.insert(0, Finding("backends", str(place), State.OK, said))
    return findings


def _golden_gap(place: Place, network: Network) -> tuple[float, str]:
    """The largest difference from the golden output as a part of what is allowed, and the provider."""
    inputs, wanted = network.golden_pair()
    session = place.backend.open(network, place.device)
    try:
        answer = session.run(inputs)
    finally:
        session.close()
    parts = [
        np.abs(answer[name] - array).max() / (network.tolerance * max(1.0, np.abs(array).max()))
        for name, array in wanted.items()
    ]
    return float(np.nan_to_num(max(parts), nan=np.inf)), session.provider


def verdicts(usable: Sequence[Place], picture: Path | None) -> list[Finding]:
    """Whether all `usable` places give the same privacy verdicts.

    On the verifier's golden faces and their variations; with `picture` also for each face of it after a whole
    run with seed 1. A place whose verdicts differ from the first one's has failed.
    """
    judged = {}
    findings = []
    for place in usable:
        try:
            judged[str(place)] = _judgement(place, picture)
        except Exception as error:  # as above
            findings.append(_failed("privacy", str(place), error))
    return [*compared(judged), *findings]


def compared(judged: Mapping[str, Judgement]) -> list[Finding]:
    """A finding for each place whose verdicts are not those of the first, or one that all agree."""
    if not judged:
        return []
    (first, base), *others = judged.items()
    differing = [name for name, found in others if found.strangers != base.strangers]
    if differing:
        return [
            Finding(
                "privacy",
                name,
                State.FAILED,
                f"its verdicts differ from those of {first}",
                "Don't mix the two; report it with the output of: epd doctor --json",
            )
            for name in differing
        ]
    spread = max(
        (abs(a - b) for _, found in others for a, b in zip(found.distances, base.distances, strict=True)),
        default=0.0,
    )
    said = f"{len(base.strangers)} verdicts, the same on {', '.join(judged)}; distances within {spread:.1g}"
    return [Finding("privacy", "verdicts", State.OK, said)]


def _judgement(place: Place, picture: Path | None) -> Judgement:
    gaps = _golden_distances(place) + (_portrait_distances(place, picture) if picture else [])
    return Judgement(tuple(gap > STRANGER_DISTANCE for gap in gaps), tuple(gaps))


def _golden_distances(place: Place) -> list[float]:
    network = load_network("dlib_resnet")
    (image,) = network.golden_pair()[0].values()
    session = place.backend.open(network, place.device)
    faces = np.concatenate([image, image[..., ::-1], image * np.float32(0.5)])
    (embeddings,) = session.run({network.inputs[0].name: np.ascontiguousarray(faces)}).values()
    session.close()
    return [float(gap) for gap in distances(embeddings, embeddings)[np.triu_indices(len(faces), 1)]]


def _portrait_distances(place: Place, picture: Path) -> list[float]:
    options = Options(backend=place.backend.name, device=place.device, seed=1)
    with Deidentifier(options) as deidentifier:
        _, answer = deidentifier.pixels(pictures.read(picture).frames[0], "portrait")
    return [face.identity_distance or 0.0 for face in answer.faces]


def _failed(part: str, subject: str, error: Exception) -> Finding:
    if isinstance(error, EpdError):
        return Finding(part, subject, State.FAILED, error.message, error.hint)
    return Finding(part, subject, State.FAILED, f"{type(error).__name__}: {error}")

"""The parrot attack: the attacker has the tool, so he de-identifies his gallery as well, or learns from it.

E. Newton, L. Sweeney, B. Malin, 2005, named it: imitate the de-identification and compare like with like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from epdcli.evaluation import attacks
from epdcli.evaluation.attacks import Bench, Embeddings
from epdcli.evaluation.figures import Figure

PARROT = "parrot"
GALLERY, LINEAR, HEAD = "parrot gallery", "parrot linear", "parrot head"
_STEPS, _WIDTH, _SCALE, _RATE = 200, 128, 16.0, 2e-3

Projection = Callable[[Embeddings], Embeddings]
Flags = NDArray[np.bool_]


def against_parroted(
    bench: Bench, probes: Embeddings, chosen: Flags, gallery: Embeddings, shown: Flags
) -> Iterator[Figure]:
    """Probes against a gallery that was de-identified with the same tool and other codes.

    `gallery` (n, d) holds an embedding for each portrait, `shown` (n,) says which are there.
    """
    yield from attacks.recognise(
        replace(bench, clear=gallery, present=shown & bench.present), GALLERY, probes, chosen
    )


def learned(bench: Bench, probes: Embeddings, chosen: Flags) -> Iterator[Figure]:
    """Recognisers that learnt from de-identified and clear pictures of half of the people, on the other half.

    `parrot linear` is a linear discriminant of the embeddings, `parrot head` a small network on top of them;
    both then see only people that they never learnt from.
    """
    study = halves(bench.people, bench.seed)
    taught = chosen & study
    if len(np.unique(bench.people[taught])) < 2:
        return
    lesson = np.concatenate([probes[taught], bench.clear[taught]])
    names = np.concatenate([bench.people[taught]] * 2)
    for attack, learn in ((LINEAR, linear_projection), (HEAD, head_projection)):
        project = learn(lesson, names, bench.seed)
        # People it learnt from are neither probes nor strangers.
        seen = replace(bench, clear=project(bench.clear), present=bench.present & ~study, metric="cosine")
        projected = np.where(chosen[:, None], project(np.nan_to_num(probes)), np.nan)
        yield from attacks.recognise(seen, attack, projected, chosen & ~study)


def halves(people: NDArray[np.integer], seed: int) -> Flags:
    """Which portraits (n,) show the half of the people that an attacker learns from."""
    names = np.unique(people)
    drawn = np.random.default_rng(seed).permutation(names)[: len(names) // 2]
    return np.isin(people, drawn)


def linear_projection(embeddings: Embeddings, people: NDArray[np.integer], seed: int) -> Projection:
    """Fisher's discriminant with shrunk covariance: the directions that tell people apart, not pictures."""
    del seed  # it has a closed form
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    found = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(_unit(embeddings), people)
    return lambda given: np.asarray(found.transform(_unit(given)), np.float32)


def head_projection(embeddings: Embeddings, people: NDArray[np.integer], seed: int) -> Projection:
    """A network of two layers on the embeddings, trained to name people by the cosine to a learnt centre."""
    import torch
    from torch.nn import functional as F

    with torch.random.fork_rng(devices=[]), _one_thread():
        torch.manual_seed(seed)
        given = torch.from_numpy(_unit(embeddings))
        names = torch.from_numpy(np.unique(people, return_inverse=True)[1])
        head = torch.nn.Sequential(
            torch.nn.Linear(given.shape[1], 2 * _WIDTH), torch.nn.PReLU(), torch.nn.Dropout(0.2),
            torch.nn.Linear(2 * _WIDTH, _WIDTH),
        )  # fmt: skip
        centres = torch.nn.Parameter(torch.randn(int(names.max()) + 1, _WIDTH))
        adam = torch.optim.AdamW([*head.parameters(), centres], lr=_RATE, weight_decay=1e-2)
        for _ in range(_STEPS):
            cosines = F.normalize(head(given)) @ F.normalize(centres).T  # (m, people)
            loss = F.cross_entropy(_SCALE * cosines, names)
            adam.zero_grad()
            loss.backward()
            adam.step()
        head.eval()

    def project(some: Embeddings) -> Embeddings:
        with torch.inference_mode():
            return np.asarray(head(torch.from_numpy(_unit(some))).numpy(), np.float32)

    return project


@contextmanager
def _one_thread() -> Iterator[None]:
    """Matrices this small are slower on several threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _unit(embeddings: Embeddings) -> Embeddings:
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(embeddings / np.maximum(lengths, 1e-9), np.float32)

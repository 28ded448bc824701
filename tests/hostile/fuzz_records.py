"""Coverage-guided fuzzing of what epd reads besides pictures: detections files and journal lines.

    python -m tests.hostile.fuzz_records [-max_total_time=SECONDS] [libFuzzer's options]

Whatever the text: `read_detections` answers or raises UsageError; a journal of such lines gives the records
that can be read, or raises UsageError; a key for names is one or is drawn anew.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

_FOLDER = Path(tempfile.mkdtemp(prefix="epd-fuzz-"))
_FACE = {"box": [1, 2, 30, 40.5], "score": 0.9, "landmarks": [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]}
_RECORD = {
    "source": "a.jpg", "output": "a.jpg", "sha256": "0" * 64, "verdict": "pass", "reason": "", "seconds": 1.5,
    "faces": [{"box": [1, 2, 3, 4], "score": 0.9, "method": "generated", "identity_distance": 0.8,
               "threshold": 0.539, "attempts": 1, "small": False}],
}  # fmt: skip
_ODD: list[Any] = [
    None, True, -1, 0, 1e-9, 2**63, -(2**70), 1e308, float("nan"), float("inf"), "", "a.jpg", "../a", "pass",
    "\u2028", "\ud800", "ff" * 32, [], {}, [[]], [1, 2], [1, 2, 3, 4], {"": 0}, "x" * 300,
]  # fmt: skip


def one_input(data: bytes) -> None:
    """What must hold for any bytes at all."""
    from epdcli.batch.detections_file import read_detections
    from epdcli.batch.journal import Journal, earlier_run
    from epdcli.batch.plan import Job, Plan
    from epdcli.batch.renaming import Names, Rename, names
    from epdcli.errors import UsageError

    path, manifest = _FOLDER / "detections.json", _FOLDER / "manifest.json"
    path.write_bytes(data)
    with suppress(UsageError):
        read_detections(path)
    manifest.write_bytes(data)
    assert names(Rename.HASH, None, earlier_run(manifest)).key
    plan = Plan((Job(path, path, "a.jpg", "a.jpg"),), (), (), manifest, Names(), None)
    for before in (b"{}\n", b""):
        (_FOLDER / "manifest.json.journal").write_bytes(before + data + b"\n")
        with suppress(UsageError), Journal(manifest) as journal:
            assert all(record.source == "a.jpg" for record in journal.done({}, plan))
        assert names(Rename.HASH, None, earlier_run(manifest)).key
        (_FOLDER / "manifest.json.journal").unlink(missing_ok=True)


def another(data: bytes, most: int, seed: int) -> bytes:
    """The text with one value of its JSON replaced by an odd one; or what libFuzzer makes of its bytes."""
    import atheris

    chance = random.Random(seed)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict | list) or chance.random() < 0.2:
        return bytes(atheris.Mutate(data, most))
    _replace_one(content, chance)
    changed = json.dumps(content, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return changed if len(changed) <= most else data


def _replace_one(content: Any, chance: random.Random) -> None:
    """Walk down to some value of a JSON tree, and put another in its place, take it out, or double it."""
    keys = list(content) if isinstance(content, dict) else list(range(len(content)))
    if not keys:
        return
    key = chance.choice(keys)
    if isinstance(content[key], dict | list) and content[key] and chance.random() < 0.85:
        _replace_one(content[key], chance)
    elif chance.random() < 0.15:
        del content[key]
    elif isinstance(content, list) and chance.random() < 0.2:
        content.append(content[key])
    else:
        content[key] = chance.choice(_ODD)


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["epdcli.batch"]):
        from epdcli.batch import detections_file, journal, renaming  # noqa: F401  as `one_input` will find them
    corpus = _FOLDER / "corpus"
    corpus.mkdir()
    found = {"a.jpg": {"sha256": "ab" * 32, "boxes": [[_FACE["box"], [300, 10, 50, 60]]]}}
    (corpus / "detections").write_text(
        json.dumps({"version": 1, "pictures": {"a.jpg": [[_FACE]]}, "found": found})
    )
    (corpus / "record").write_text(json.dumps(_RECORD))
    (corpus / "key").write_text(json.dumps({"name_key": "ab" * 32}))
    (corpus / "deep").write_text("[" * 4000)
    atheris.Setup([*sys.argv, "-max_len=4096", str(corpus)], one_input, custom_mutator=another)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

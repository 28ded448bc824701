"""Coverage-guided fuzzing of what epd reads besides pictures: detections files and journal lines.

    python -m tests.hostile.fuzz_records [-max_total_time=SECONDS] [libFuzzer's options]

Whatever the text: `read_detections` answers or raises UsageError; a journal line is a record or raises
KeyError, TypeError or ValueError, which a resumed run takes for "not done yet".
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_FOLDER = Path(tempfile.mkdtemp(prefix="epd-fuzz-"))
_FACE = {"box": [1, 2, 30, 40.5], "score": 0.9, "landmarks": [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]}
_RECORD = {
    "source": "a.jpg", "output": "a.jpg", "sha256": "0" * 64, "verdict": "pass", "reason": "", "seconds": 1.5,
    "faces": [{"box": [1, 2, 3, 4], "score": 0.9, "method": "generated", "identity_distance": 0.8,
               "threshold": 0.539, "attempts": 1, "small": False}],
}  # fmt: skip


def one_input(data: bytes) -> None:
    """What must hold for any bytes at all."""
    from epdcli.batch.manifest import record_from_json
    from epdcli.errors import UsageError
    from epdcli.faces.detections_file import read_detections

    path = _FOLDER / "detections.json"
    path.write_bytes(data)
    with suppress(UsageError):
        read_detections(path)
    with suppress(ValueError, RecursionError):
        content = json.loads(data)
        if isinstance(content, dict):
            with suppress(KeyError, TypeError, ValueError):
                record_from_json(content)


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["epdcli.batch.manifest", "epdcli.faces.detections_file"]):
        import epdcli.batch.manifest
        import epdcli.faces.detections_file  # noqa: F401
    corpus = _FOLDER / "corpus"
    corpus.mkdir()
    (corpus / "detections").write_text(json.dumps({"pictures": {"a.jpg": [[_FACE]]}}))
    (corpus / "record").write_text(json.dumps(_RECORD))
    atheris.Setup([*sys.argv, "-max_len=4096", str(corpus)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

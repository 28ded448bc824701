"""Puts a bank of people, as `epd bank build` made it, into `epd_weights`.

python weights/add_bank.py people.bank --licence-file TEXT --made-by "how it was made"
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from epdcli.synthetic.bank import read_bank

WEIGHTS = Path(__file__).parent / "epd_weights"


def main(
    file: Path,
    licence_file: Annotated[Path, typer.Option(help="The licence's text, copied to licences/.")],
    made_by: Annotated[str, typer.Option()],
) -> None:
    """Store FILE as the shipped bank."""
    bank = read_bank(file)
    shutil.copyfile(file, WEIGHTS / "people.bank")
    (WEIGHTS / "licences" / "people.txt").write_bytes(licence_file.read_bytes())
    path = WEIGHTS / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    entry = {"file": "people.bank", "sha256": bank.sha256, "people": len(bank), **bank.about}
    entry |= {"licence_file": "licences/people.txt", "made_by": made_by}
    manifest["banks"] = {"people": entry}
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    print(f"{len(bank)} people, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    typer.run(main)

"""Measures the people of a bank again, with the networks as they are now; their pictures stay as they are.

python weights/people/measure_again.py OLD.bank NEW.bank --version 2
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from epdcli.runtimes import Engine, choose_backend
from epdcli.synthetic.bank import Bank, bank_bytes
from epdcli.synthetic.building import measured_arrays
from epdcli.synthetic.structure import Instruments


def main(old: Path, new: Path, version: Annotated[str, typer.Option(help="Of the new bank.")]) -> None:
    """Write the people of OLD, measured again, to NEW."""
    with np.load(old) as stored:  # not `read_bank`: what it wants measured may not be there yet
        bank = Bank(
            {name: stored[name] for name in ("pictures", "ends")}, json.loads(str(stored["about"])), ""
        )
    faces = [bank.picture(number) for number in range(len(bank))]
    with Engine(choose_backend("auto", "auto")) as engine:
        structures = Instruments(engine).measure(faces)
    arrays = {**measured_arrays(faces, structures), **bank.arrays}
    new.write_bytes(bank_bytes(arrays, {**bank.about, "version": version}))
    print(f"{len(bank)} people")


if __name__ == "__main__":
    typer.run(main)

"""A bank's file: what comes out is what went in, and nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from epdcli.errors import WeightsError
from epdcli.synthetic.bank import Bank, bank_bytes, read_bank
from epdcli.synthetic.structure import mirrored_points


def test_a_bank_that_was_written_is_read_as_it_was(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "a.bank").write_bytes(bank_bytes(bank.arrays, bank.about))
    again = read_bank(tmp_path / "a.bank")
    assert again.about == bank.about and len(again) == 3
    for name, array in bank.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)


def test_everybody_is_there_mirrored_as_well(bank: Bank) -> None:
    np.testing.assert_array_equal(bank.picture(4), bank.picture(1)[:, ::-1])
    np.testing.assert_allclose(bank.landmarks[4], mirrored_points(bank.landmarks[1]))
    np.testing.assert_allclose(bank.irises[3, 0, 0], 255 - bank.irises[0, 1, 0])
    np.testing.assert_allclose(bank.pattern[3], bank.pattern[0][:, ::-1])
    assert len(bank.age) == len(bank.shape) == 2 * len(bank)


def test_another_file_than_the_one_meant_is_an_error(bank: Bank, tmp_path: Path) -> None:
    (tmp_path / "a.bank").write_bytes(bank_bytes(bank.arrays, bank.about))
    with pytest.raises(WeightsError, match="SHA-256"):
        read_bank(tmp_path / "a.bank", "0" * 64)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a bank", bytes(5000)])
def test_what_is_no_bank_is_an_error_with_the_files_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.bank").write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.bank"):
        read_bank(tmp_path / "a.bank")
    with pytest.raises(WeightsError, match=r"b\.bank"):
        read_bank(tmp_path / "b.bank")


@pytest.mark.parametrize("name", ["landmarks", "age", "light", "ends", "pictures", "identity"])
def test_arrays_that_do_not_belong_together_are_refused(bank: Bank, name: str) -> None:
    with pytest.raises(ValueError, match=r"shape|cut"):
        bank_bytes({**bank.arrays, name: bank.arrays[name][:2]}, bank.about)

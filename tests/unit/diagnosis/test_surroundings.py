"""Packages that overwrite each other and drivers that don't suit are named, with what to do."""

from __future__ import annotations

import pytest

from epdcli.diagnosis.finding import State
from epdcli.diagnosis.surroundings import Driver, conflicts, drivers


def test_both_packages_of_onnx_runtime_have_failed() -> None:
    (finding,) = conflicts({"onnxruntime": "1.30", "onnxruntime-gpu": "1.30"})
    assert finding.state is State.FAILED and "pip uninstall -y onnxruntime onnxruntime-gpu" in finding.hint


def test_two_builds_of_one_opencv_are_a_warning_and_of_two_versions_a_failure() -> None:
    for other, state in (("5.0", State.WARNING), ("4.9", State.FAILED)):
        (finding,) = conflicts({"opencv-python": "5.0", "opencv-python-headless": other})
        assert finding.state is state


def test_one_package_of_each_kind_is_no_conflict() -> None:
    assert conflicts({"onnxruntime-gpu": "1.30", "opencv-python-headless": "5.0", "dlib": "20"}) == []


def test_without_a_card_nothing_is_said_of_drivers() -> None:
    assert drivers(Driver(), {"torch": ["cpu"]}, None) == []


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        (Driver(in_kernel=True), "libcuda is not found"),
        (Driver(loaded=True, error=803), "CUDA error 803"),
    ],
)
def test_a_driver_that_does_not_start_has_failed(driver: Driver, said: str) -> None:
    (finding,) = drivers(driver, {"torch": ["cpu"]}, None)
    assert finding.state is State.FAILED and said in finding.said and finding.hint


def test_a_torch_that_is_newer_than_the_driver_has_failed() -> None:
    driver = Driver(loaded=True, cuda=12020, cards=1)
    findings = drivers(driver, {"torch": ["cpu"], "openvino": ["cpu"]}, "12.8")
    assert [finding.state for finding in findings] == [State.FAILED, State.WARNING]
    assert "built for CUDA 12.8, the driver serves up to 12.2" in findings[0].said


def test_runtimes_that_could_use_the_card_are_told_how() -> None:
    driver = Driver(loaded=True, cuda=13000, cards=2)
    (finding,) = drivers(driver, {"onnxruntime": ["cpu"], "torch": ["cpu", "cuda:0"]}, "13.0")
    assert finding.state is State.OK and "epdcli[gpu]" in finding.hint and "torch" not in finding.hint

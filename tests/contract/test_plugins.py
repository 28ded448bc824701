"""Our own backends, detectors and methods keep the contracts that third parties are held to."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from epdcli.errors import BackendBroken, BackendNotFound, BackendNotInstalled
from epdcli.faces.detection import Detector
from epdcli.faces.method import Method, Prepared, Preparing, Softening
from epdcli.model import Face, Pixels
from epdcli.networks import load_network
from epdcli.plugins import find_plugins
from epdcli.runtimes import Backend, Engine, choose_backend, load_backend, load_plugin
from epdcli.testing import BackendContract, DetectorContract, MethodContract, PreparingMethodContract
from tests.conftest import ROOT


def backend_or_skip(name: str) -> Backend:
    backend = load_backend(name)
    try:
        backend.probe()
        return backend
    except BackendNotInstalled as missing:
        pytest.skip(str(missing))


def engine() -> Engine:
    return Engine(choose_backend("auto", "cpu"))


class TestOpenVino(BackendContract):
    def subject(self) -> Backend:
        return backend_or_skip("openvino")


class TestOnnxRuntime(BackendContract):
    def subject(self) -> Backend:
        return backend_or_skip("onnxruntime")


class TestTorch(BackendContract):
    def subject(self) -> Backend:
        return backend_or_skip("torch")


def test_the_backends_agree_on_who_a_face_looks_like() -> None:
    network = load_network("appearance")
    inputs, _ = network.golden_pair()
    answers = [
        backend_or_skip(name).open(network, "cpu").run(inputs)
        for name in ("openvino", "onnxruntime", "torch")
    ]
    for name, most in (("age", 0.01), ("male", 1e-4), ("identity", 1e-4)):
        gaps = [float(np.abs(one[name] - two[name]).max()) for one in answers for two in answers]
        assert max(gaps) <= most, f"{name} differs by {max(gaps):.2e}"


class TestCenterFace(DetectorContract):
    def subject(self) -> Detector:
        return load_plugin("epd.detectors", "centerface")(engine())

    def picture(self) -> Pixels:
        return pytest.importorskip("skimage.data").astronaut()


class TestDlibDetector(TestCenterFace):
    def subject(self) -> Detector:
        pytest.importorskip("dlib")
        return load_plugin("epd.detectors", "dlib")(engine())

    def picture(self) -> Pixels:
        # without the badges on the suit, in which this detector sees a face
        return np.ascontiguousarray(super().picture()[:260, 60:360])


class MethodOfOurs(MethodContract):
    name = ""

    def subject(self) -> Method:
        return load_plugin("epd.methods", self.name)(engine(), None)


class TestGenerate(MethodOfOurs):
    name = "generate"

    def shown(self) -> tuple[Pixels, Face]:
        picture = pytest.importorskip("skimage.data").astronaut()
        return picture, load_plugin("epd.detectors", "centerface")(engine()).detect(picture)[0]


class TestSoft(MethodOfOurs):
    name = "soft"


class TestSolid(MethodOfOurs):
    name = "solid"


class TestBlur(MethodOfOurs):
    name = "blur"


class TestPixelate(MethodOfOurs):
    name = "pixelate"


class TestFilter(MethodOfOurs):
    name = "filter"


class TestWarp(MethodOfOurs):
    name = "warp"


class TestKSame(PreparingMethodContract):
    def made(self, prepared: Prepared | None) -> Method:
        return load_plugin("epd.methods", "ksame")(None, None, prepared)


def test_of_our_methods_only_ksame_prepares() -> None:
    ours = [name for name, found in find_plugins("epd.methods").items() if found.distribution == "epdcli"]
    assert sorted(ours) == ["blur", "filter", "generate", "ksame", "pixelate", "soft", "solid", "warp"]
    assert [name for name in ours if isinstance(load_plugin("epd.methods", name), Preparing)] == ["ksame"]


def test_of_our_methods_only_generate_softens() -> None:
    ours = [name for name, found in find_plugins("epd.methods").items() if found.distribution == "epdcli"]
    assert [name for name in ours if isinstance(load_plugin("epd.methods", name), Softening)] == ["generate"]


def test_an_unknown_name_is_said_to_be_unknown() -> None:
    with pytest.raises(BackendNotFound, match="openvono"):
        load_backend("openvono")


@pytest.fixture(scope="module")
def with_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example plug-in and two bad ones, installed into a folder of their own."""
    folder, source = tmp_path_factory.mktemp("plugins"), tmp_path_factory.mktemp("source") / "squares"
    shutil.copytree(ROOT / "examples" / "plugins" / "squares", source)  # pip builds in there
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"),
            *("--target", str(folder), str(source)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"pip could not build the example here: {done.stderr[-300:]}")
    for name, value in (("broken", "nowhere.at_all:Thing"), ("rival", "epd_squares:Squares")):
        info = folder / f"epd_{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: epd-{name}\nVersion: 1\n")
        group = {"broken": "broken", "rival": "solid"}[name]
        (info / "entry_points.txt").write_text(f"[epd.methods]\n{group} = {value}\n")
    return folder


def in_fresh_python(folder: Path, code: str) -> str:
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return shown.stdout + shown.stderr


def test_the_example_plug_in_is_found_and_used(with_example: Path) -> None:
    code = "from epdcli.plugins import load_plugin; print(load_plugin('epd.methods', 'squares').name)"
    assert in_fresh_python(with_example, code).strip() == "squares"


@pytest.mark.parametrize(
    ("name", "error"), [("broken", BackendBroken.__name__), ("solid", BackendBroken.__name__)]
)
def test_a_bad_plug_in_harms_its_own_name_only(with_example: Path, name: str, error: str) -> None:
    code = f"from epdcli.plugins import load_plugin; load_plugin('epd.methods', {name!r})"
    assert error in in_fresh_python(with_example, code)
    assert "blur" in in_fresh_python(
        with_example, "from epdcli.plugins import load_plugin; print(load_plugin('epd.methods', 'blur').name)"
    )

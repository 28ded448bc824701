"""Plug-ins are found without being imported, and `auto` says what it chose and why."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from epdcli import runtimes
from epdcli.errors import (
    BackendBroken,
    BackendNotFound,
    BackendNotInstalled,
    DeviceNotAvailable,
    SetupError,
)
from epdcli.runtimes import Engine, choose_backend, find_backends, load_backend

Declare = Callable[[str, str, str], None]


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Declares a backend: a distribution's metadata and its module's code, in a folder of the search path."""

    def written(distribution: str, name: str, code: str) -> None:
        module = f"backend_of_{distribution}"
        info = tmp_path / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[epd.backends]\n{name} = {module}:Made\n")
        (tmp_path / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return written


def backend_code(devices: str) -> str:
    return f"""
class Made:
    name = "made"
    formats = ("onnx",)
    def probe(self): {devices}
    def open(self, network, device, threads=0): raise RuntimeError("no such kernel")
"""


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the backends that a test declares, and no card."""
    declared = find_backends
    ours = set(find_backends())
    monkeypatch.setattr(
        runtimes, "find_backends", lambda: {k: v for k, v in declared().items() if k not in ours}
    )
    monkeypatch.setattr(runtimes, "_has_nvidia_driver", lambda: False)


def test_an_unknown_name_is_told_apart_and_a_near_one_is_guessed() -> None:
    with pytest.raises(BackendNotFound, match="Did you mean openvino"):
        load_backend("openvin")


def test_a_missing_package_is_named_with_the_line_to_paste(declare: Declare) -> None:
    declare("lacking", "lacking", "import a_runtime_that_nobody_has\n")
    with pytest.raises(BackendNotInstalled, match="pip install a_runtime_that_nobody_has"):
        load_backend("lacking")


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('bad build')\n",
        "import backend_of_bad.part\n",
        "Other = 1\n",
        "class Made:\n    def __init__(self): raise OSError('no libsomething.so')\n",
        "class Made:\n    name = 'incomplete'\n",
    ],
    ids=["raises", "lacks its own module", "lacks the object", "can't be made", "is incomplete"],
)
def test_what_is_installed_and_does_not_load_is_broken(declare: Declare, code: str) -> None:
    declare("bad", "bad", code)
    with pytest.raises(BackendBroken, match="bad"):
        load_backend("bad")
    assert load_backend("openvino").name == "openvino", "the others are not harmed"


def test_a_probe_that_fails_in_its_own_way_is_broken(declare: Declare) -> None:
    declare("moody", "moody", backend_code("raise KeyError('x')"))
    with pytest.raises(BackendBroken, match="KeyError"):
        choose_backend("moody")


def test_a_name_that_two_packages_claim_belongs_to_neither(declare: Declare) -> None:
    declare("one", "twice", backend_code("return ('cpu',)"))
    declare("two", "twice", backend_code("return ('cpu',)"))
    with pytest.raises(BackendBroken, match=r"one, two|two, one"):
        load_backend("twice")


def test_the_device_asked_for_is_the_one_chosen_however_it_is_spelled(declare: Declare) -> None:
    declare("cards", "cards", backend_code("return ('cpu', 'GPU.0', 'cuda:0', 'cuda:1')"))
    assert choose_backend("cards", "cpu").device == "cpu"
    assert choose_backend("cards", "CUDA:1").device == "cuda:1"
    assert choose_backend("cards", "cuda").device == "cuda:0"
    assert choose_backend("cards", "gpu").device == "GPU.0"
    assert choose_backend("cards").device == "cuda:0"
    with pytest.raises(DeviceNotAvailable, match="cuda:2"):
        choose_backend("cards", "cuda:2")


@pytest.mark.usefixtures("alone")
def test_auto_passes_over_what_fails_and_says_so(declare: Declare) -> None:
    declare("first", "a_broken_one", "raise ValueError('bad build')\n")
    declare("second", "b_good_one", backend_code("return ('cpu',)"))
    choice = choose_backend()
    assert (choice.backend.name, choice.device) == ("made", "cpu")
    assert "b_good_one on cpu; passed over a_broken_one" in choice.reason
    assert "bad build" in choice.reason


@pytest.mark.usefixtures("alone")
def test_auto_never_replaces_a_device_that_was_asked_for(declare: Declare) -> None:
    declare("plain", "plain", backend_code("return ('cpu',)"))
    with pytest.raises(DeviceNotAvailable, match="cuda:0"):
        choose_backend("auto", "cuda:0")


@pytest.mark.usefixtures("alone")
def test_no_backend_at_all_is_said() -> None:
    with pytest.raises(SetupError, match="none is declared"):
        choose_backend()


def test_a_network_that_a_backend_cannot_open_is_one_sentence(declare: Declare) -> None:
    declare("poor", "poor", backend_code("return ('cpu',)"))
    with Engine(choose_backend("poor")) as engine, pytest.raises(BackendBroken, match="no such kernel"):
        engine.session("centerface")


def test_an_engine_opens_each_network_once_and_says_what_it_opened() -> None:
    with Engine(choose_backend("auto", "cpu"), threads=1) as engine:
        assert engine.hashes() == {}
        assert engine.session("landmarks68_faceapi") is engine.session("landmarks68_faceapi")
        assert engine.hashes() == {"landmarks68_faceapi": engine.network("landmarks68_faceapi").sha256}
        assert engine.providers()["landmarks68_faceapi"]
        engine.close()
        engine.close()


@pytest.mark.parametrize("name", ["openvino", "onnxruntime", "torch"])
def test_only_the_backend_asked_for_is_imported(name: str) -> None:
    code = (
        "import sys\n"
        "from epdcli.errors import BackendNotInstalled\n"
        "from epdcli.runtimes import choose_backend\n"
        f"try: choose_backend({name!r}, 'cpu')\nexcept BackendNotInstalled: pass\n"
        "print(*[m for m in ('openvino', 'onnxruntime', 'torch', 'cv2') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(loaded.split()) <= {name}


def test_finding_backends_imports_none_of_them() -> None:
    code = (
        "import sys; from epdcli.runtimes import find_backends; print(sorted(find_backends()))\n"
        "assert not {'openvino', 'onnxruntime', 'torch', 'epd_backends'} & set(sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "openvino" in shown

"""What our backends promise beyond the contract: privacy, honesty about packages, dlib's own answers."""

from __future__ import annotations

import csv
import importlib.metadata
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from epdcli.errors import BackendBroken, BackendNotInstalled
from epdcli.faces.alignment import alignment_matrix, crop_of_frame, warp
from epdcli.model import Box, Face
from epdcli.networks import load_network
from epdcli.runtimes import Backend, Session, load_backend

OURS = ("openvino", "onnxruntime", "torch")


@pytest.fixture(params=OURS)
def backend(request: pytest.FixtureRequest) -> Backend:
    found = load_backend(request.param)
    try:
        found.probe()
    except BackendNotInstalled as missing:
        pytest.skip(str(missing))
    return found


@pytest.fixture
def dlib_net(backend: Backend) -> Session:
    return backend.open(load_network("dlib_resnet"), "cpu")


def test_a_closed_session_says_so(dlib_net: Session) -> None:
    dlib_net.close()
    with pytest.raises(ValueError, match="dlib_resnet is closed"):
        dlib_net.run({"image": np.zeros((1, 3, 150, 150), np.float32)})


def test_the_layout_in_memory_does_not_matter(dlib_net: Session) -> None:
    picture = np.random.default_rng(1).uniform(0, 255, (2, 150, 150, 3)).astype(np.float32)
    turned = picture.transpose(0, 3, 1, 2)
    before = turned.copy()
    assert not turned.flags.c_contiguous
    loose = dlib_net.run({"image": turned})["embedding"]
    tight = dlib_net.run({"image": np.ascontiguousarray(turned)})["embedding"]
    np.testing.assert_allclose(loose, tight, atol=1e-6)
    np.testing.assert_array_equal(turned, before)


def test_an_answer_is_not_overwritten_by_the_next(dlib_net: Session) -> None:
    first = dlib_net.run({"image": np.full((1, 3, 150, 150), 200, np.float32)})["embedding"]
    kept = first.copy()
    dlib_net.run({"image": np.zeros((1, 3, 150, 150), np.float32)})
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("name", OURS)
def test_running_a_network_leaves_nothing_in_the_users_home(name: str, tmp_path: Path) -> None:
    """Left to themselves, OpenVINO and ONNX Runtime keep a client number there and report to their makers."""
    code = (
        "import sys\nfrom epdcli.errors import BackendNotInstalled\n"
        "from epdcli.runtimes import Engine, choose_backend\n"
        f"try: choice = choose_backend({name!r}, 'cpu')\nexcept BackendNotInstalled: sys.exit()\n"
        "with Engine(choice) as engine: engine.session('landmarks68_faceapi')\n"
        "assert 'openvino_telemetry' not in sys.modules"
    )
    plain = {key: value for key, value in os.environ.items() if not _silences(key)}
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=plain | home)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_onnx_runtimes_threads_sleep_while_they_wait() -> None:
    pytest.importorskip("onnxruntime")
    session = load_backend("onnxruntime").open(load_network("landmarks68_faceapi"), "cpu", threads=2)
    options = session._session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize(("set_by_user", "heeded"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_torchs_threads_sleep_while_they_wait_unless_told_otherwise(
    set_by_user: str | None, heeded: str
) -> None:
    pytest.importorskip("torch")
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    code = (
        "import os\nfrom epdcli.runtimes import load_backend\nload_backend('torch').probe()\n"
        "print(os.environ['OMP_WAIT_POLICY'])"
    )
    told = {"OMP_WAIT_POLICY": set_by_user} if set_by_user else {}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment | told
    )
    assert ran.stdout.strip() == heeded


def _silences(variable: str) -> bool:
    """Variables that the runtimes take for those of a machine that builds and tests."""
    return variable.startswith(("ORT_", "GITHUB_", "XDG_")) or variable in {"CI", "TF_BUILD", "BUILD_ID"}


def test_two_packages_of_onnx_runtime_in_one_place_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("epd_backends.onnxruntime.version", lambda name: "1.20")
    with pytest.raises(BackendBroken, match="overwrite each other"):
        load_backend("onnxruntime").probe()


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("openvino", "openvino", "openvino"),
        ("onnxruntime", "onnxruntime", "gpu"),
        ("torch", "torch", "torch"),
    ],
)
def test_a_runtime_that_is_missing_comes_with_the_line_to_paste(
    monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # type: ignore[arg-type]
    with pytest.raises(BackendNotInstalled, match=rf'pip install "epdcli\[{extra}\]"'):
        load_backend(name).probe()


def test_our_own_backends_belong_to_this_distribution() -> None:
    found = importlib.metadata.entry_points(group="epd.backends")
    assert {point.name for point in found if point.dist and point.dist.name == "epdcli"} == set(OURS)


def test_the_verifier_is_dlibs_own_network(backend: Backend, shared: Path) -> None:
    """To 1e-4 on real faces, although its weights are stored as float16."""
    dlib = pytest.importorskip("dlib")
    models = find_spec("face_recognition_models")
    if models is None or models.origin is None:
        pytest.skip("the package face_recognition_models with dlib's .dat is not installed")
    weights = Path(models.origin).parent / "models" / "dlib_face_recognition_resnet_model_v1.dat"
    original = dlib.face_recognition_model_v1(str(weights))
    chips = _chips(shared / "data" / "lfw-dev", 20)
    wanted = np.array([original.compute_face_descriptor(chip) for chip in chips])
    session = backend.open(load_network("dlib_resnet"), "cpu")
    answer = session.run({"image": np.stack(chips).transpose(0, 3, 1, 2).astype(np.float32)})["embedding"]
    gap = float(np.abs(answer - wanted).max())
    assert gap < 1e-4, f"differs from dlib by {gap:.1e}"


def _chips(folder: Path, count: int) -> list[np.ndarray]:
    from epdcli import pictures

    rows = list(csv.DictReader((folder / "people.csv").open()))
    chips = []
    for row in rows[:: len(rows) // count][:count]:
        points = np.array([float(value) for value in list(row.values())[2:12]], np.float32).reshape(5, 2)
        face = Face(Box(0, 0, 1, 1), points, 1.0)
        pixels = pictures.read(folder / "images" / row["file"]).frames[0]
        matrix = crop_of_frame(alignment_matrix(face, 256), 256, (43.6, 56.6), 171.0, 150)
        chips.append(np.ascontiguousarray(warp(pixels, matrix, 150)))
    return chips

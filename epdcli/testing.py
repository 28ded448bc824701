"""What every plug-in must keep, as classes to inherit from: override `subject` and run pytest.

Each check is named after the promise it holds a plug-in to, and says by how much it was broken.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from epdcli.errors import DeviceNotAvailable
from epdcli.faces.alignment import TEMPLATE_256, warp
from epdcli.faces.detection import Detector
from epdcli.faces.method import Method, Prepared
from epdcli.model import AlignedFace, Box, Face, NewFace, Pixels
from epdcli.networks import load_network, network_names
from epdcli.runtimes import Backend


class BackendContract:
    """Every network that is shipped, on the CPU, against its golden pair."""

    def subject(self) -> Backend:
        """The backend under test."""
        raise NotImplementedError

    @pytest.fixture
    def backend(self) -> Backend:
        return type(self)().subject()

    @pytest.mark.parametrize("name", network_names())
    def test_the_golden_pair_is_met(self, backend: Backend, name: str) -> None:
        network = load_network(name)
        inputs, outputs = network.golden_pair()
        session = backend.open(network, "cpu")
        answer = session.run(inputs)
        session.close()
        for key, wanted in outputs.items():
            allowed = network.tolerance * max(1.0, float(np.abs(wanted).max()))
            gap = float(np.abs(answer[key] - wanted).max())
            assert gap <= allowed, f"{name}: {key} differs by {gap:.2e}, {allowed:.2e} is allowed"

    @pytest.mark.parametrize("name", ["appearance", "dlib_resnet"])
    def test_a_batch_answers_as_its_rows_do_alone(self, backend: Backend, name: str) -> None:
        network = load_network(name)
        golden, _ = network.golden_pair()
        inputs = {key: np.concatenate([value[:1], value[:1] * 0.5]) for key, value in golden.items()}
        session = backend.open(network, "cpu")
        together = session.run(inputs)
        for row in range(2):
            alone = session.run({key: value[row : row + 1] for key, value in inputs.items()})
            for key, wanted in together.items():
                gap = float(np.abs(alone[key][0] - wanted[row]).max())
                allowed = network.tolerance * max(1.0, float(np.abs(wanted).max()))
                assert gap <= allowed, f"{name}: row {row} of {key} differs by {gap:.2e}"

    def test_the_same_question_has_the_same_answer(self, backend: Backend) -> None:
        network = load_network("appearance")
        inputs, _ = network.golden_pair()
        session = backend.open(network, "cpu")
        one, two = session.run(inputs), session.run(inputs)
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])

    def test_pictures_of_several_sizes_are_taken(self, backend: Backend) -> None:
        session = backend.open(load_network("centerface"), "cpu")
        for height, width in ((64, 96), (128, 32), (64, 96)):
            answer = session.run({"input.1": np.zeros((1, 3, height, width), np.float32)})
            assert answer["537"].shape == (1, 1, height // 4, width // 4)

    def test_wrong_inputs_are_said_in_words(self, backend: Backend) -> None:
        session = backend.open(load_network("dlib_resnet"), "cpu")
        with pytest.raises(ValueError, match="image"):
            session.run({"picture": np.zeros((1, 3, 150, 150), np.float32)})
        with pytest.raises(ValueError, match="150"):
            session.run({"image": np.zeros((1, 3, 64, 64), np.float32)})

    def test_a_device_that_is_not_there_is_refused(self, backend: Backend) -> None:
        with pytest.raises(DeviceNotAvailable):
            backend.open(load_network("dlib_resnet"), "cuda:63")

    def test_a_process_with_one_thread_may_use_any_core(self, backend: Backend) -> None:
        """Runtimes that pin their threads put all the processes of a run on the same first core."""
        if not Path("/proc/self/task").is_dir():
            pytest.skip("threads' cores can be looked up on Linux only")
        session = backend.open(load_network("dlib_resnet"), "cpu", threads=1)
        inputs = {"image": np.zeros((4, 3, 150, 150), np.float32)}
        work = Thread(target=lambda: [session.run(inputs) for _ in range(8)])
        allowed, seen = os.sched_getaffinity(0), set()
        work.start()
        while work.is_alive():
            for task in Path("/proc/self/task").iterdir():
                with suppress(OSError):  # a thread may end while it is asked
                    seen.add(frozenset(os.sched_getaffinity(int(task.name))))
        assert seen == {frozenset(allowed)}, f"threads are bound to {seen}, {allowed} are there"

    def test_it_says_what_it_runs_on_and_closes_twice(self, backend: Backend) -> None:
        assert backend.probe()[0] == "cpu"
        session = backend.open(load_network("dlib_resnet"), "cpu")
        assert session.device == "cpu" and session.provider
        session.close()
        session.close()


class DetectorContract:
    """A detector on a picture of a face (override `picture`: H x W x 3, one frontal face in its middle)."""

    def subject(self) -> Detector:
        """The detector under test."""
        raise NotImplementedError

    def picture(self) -> Pixels:
        """A picture with one frontal face."""
        raise NotImplementedError

    @pytest.fixture
    def detector(self) -> Detector:
        return type(self)().subject()

    def test_the_face_is_found_with_five_landmarks_inside_its_box(self, detector: Detector) -> None:
        (face,) = detector.detect(self.picture())
        assert face.landmarks.shape == (5, 2) and face.landmarks.dtype == np.float32
        x, y, width, height = face.box
        assert ((face.landmarks > (x, y)) & (face.landmarks < (x + width, y + height))).all()
        assert 0 <= face.score <= 1

    def test_landmarks_are_in_the_order_of_the_upright_face(self, detector: Detector) -> None:
        for turns in (0, 2):
            (face,) = detector.detect(np.ascontiguousarray(np.rot90(self.picture(), turns)))
            left, right, _, mouth, _ = face.landmarks if turns == 0 else -face.landmarks
            assert left[0] < right[0] and left[1] < mouth[1]

    def test_an_empty_picture_has_no_face(self, detector: Detector) -> None:
        assert detector.detect(np.full((120, 160, 3), 128, np.uint8)) == []

    def test_looking_twice_finds_the_same_and_changes_nothing(self, detector: Detector) -> None:
        picture = self.picture()
        before = picture.copy()
        first, second = detector.detect(picture), detector.detect(picture)
        assert [face.box for face in first] == [face.box for face in second]
        np.testing.assert_array_equal(picture, before)


class MethodContract:
    """A method on drawn faces, or on those of a picture of yours (override `shown`)."""

    def subject(self) -> Method:
        """The method under test."""
        raise NotImplementedError

    @pytest.fixture
    def method(self) -> Method:
        return type(self)().subject()

    def shown(self) -> tuple[Pixels, Face]:
        """A picture and a face in it that the method can replace."""
        picture = np.random.default_rng(1).integers(0, 256, (300, 300, 3), np.uint8)
        return picture, Face(Box(60, 50, 120, 150), (TEMPLATE_256 * 0.8 + (10, 20)).astype(np.float32), 0.9)

    @pytest.fixture
    def faces(self, method: Method) -> Iterator[list[AlignedFace]]:
        picture, face = self.shown()
        found = [face] * 2
        matrices = [method.matrix(face) for face in found]
        yield [
            AlignedFace(face, warp(picture, matrix, method.size), matrix)
            for face, matrix in zip(found, matrices, strict=True)
        ]

    def test_each_face_gets_one_of_its_own_size(self, method: Method, faces: list[AlignedFace]) -> None:
        new = self._replaced(method, faces)
        assert len(new) == 2
        for face in new:
            assert face.pixels.shape == (method.size, method.size, 3) and face.pixels.dtype == np.uint8
            assert face.mask.shape == (method.size, method.size) and face.mask.dtype == np.float32
            assert face.mask.min() >= 0 and face.mask.max() == 1

    def test_its_work_is_repeatable_and_leaves_the_source_alone(
        self, method: Method, faces: list[AlignedFace]
    ) -> None:
        before = [face.pixels.copy() for face in faces]
        one, two = self._replaced(method, faces), self._replaced(method, faces)
        np.testing.assert_array_equal(one[0].pixels, two[0].pixels)
        np.testing.assert_array_equal(before, [face.pixels for face in faces])

    def test_it_says_whether_its_faces_are_those_of_people_who_do_not_exist(self, method: Method) -> None:
        assert isinstance(method.synthetic, bool), "files with such faces are marked"

    def test_another_code_gives_another_face_only_if_it_says_so(
        self, method: Method, faces: list[AlignedFace]
    ) -> None:
        one, two = self._replaced(method, faces)
        assert (not np.array_equal(one.pixels, two.pixels)) == method.random

    def test_a_face_may_be_asked_for_with_several_codes(
        self, method: Method, faces: list[AlignedFace]
    ) -> None:
        together = self._replaced(method, [faces[0], faces[0]])
        alone = [self._replaced(method, [faces[0]], [code])[0] for code in self._codes()]
        for one, other in zip(together, alone, strict=True):
            gap = np.abs(one.pixels.astype(int) - other.pixels).max()
            assert gap <= 1, f"asked for together and alone, the faces differ by {gap}"

    def _replaced(
        self, method: Method, faces: list[AlignedFace], codes: list[np.ndarray] | None = None
    ) -> list[NewFace]:
        new = [face for face in method.replace(faces, codes or self._codes()) if face is not None]
        assert len(new) == len(faces), "the method could not replace the face that it was shown"
        return new

    @staticmethod
    def _codes() -> list[np.ndarray]:
        drawn = np.random.default_rng(2).normal(size=(2, 128)).astype(np.float32)
        return [code / np.linalg.norm(code) for code in drawn]


class PreparingMethodContract(MethodContract):
    """A method that sees all faces first (override `made`), prepared with drawn faces as a run would."""

    def made(self, prepared: Prepared | None) -> Any:
        """The method under test with what it prepared, or without it."""
        raise NotImplementedError

    def subject(self) -> Method:
        return self.made(pickle.loads(pickle.dumps(self._prepared())))

    def test_it_prepares_the_same_from_the_same_faces(self) -> None:
        one, two = self._prepared(), self._prepared()
        assert one.about == two.about and list(one.arrays) == list(two.arrays)
        for name, array in one.arrays.items():
            np.testing.assert_array_equal(array, two.arrays[name])

    def test_its_account_for_the_manifest_is_plain_and_short(self) -> None:
        assert 0 < len(json.dumps(dict(self._prepared().about))) < 1000

    def _prepared(self) -> Prepared:
        method = self.made(None)
        face = Face(Box(60, 50, 120, 150), (TEMPLATE_256 * 0.8 + (10, 20)).astype(np.float32), 0.9)
        drawn = np.random.default_rng(3).integers(0, 256, (12, method.size, method.size, 3), np.uint8)
        return method.prepare([AlignedFace(face, pixels, method.matrix(face)) for pixels in drawn], None)

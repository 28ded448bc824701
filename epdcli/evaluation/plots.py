"""The report's plots, as PNG in a data address, drawn by matplotlib without a screen."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from epdcli.evaluation.curves import Curve
from epdcli.evaluation.deidentified import CONTROL
from epdcli.evaluation.figures import Figure
from epdcli.evaluation.results import Results
from epdcli.evaluation.summary import best_figure

_GREY = "#777777"
_COLOURS = ("#0b6e4f", "#d1495b", "#2e5eaa", "#e0912f", "#7b3fa0", "#1b9aaa", "#8a5a44", "#b0a000", "#444466")
_DPI = 150
_GROUPED = (("naive", "auc", "AUC"), ("naive", "rank-1", "rank-1"), ("", "emotion", "emotion kept"))


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """A colour for each set, the same in all plots; the control is grey."""
    others = [name for name in names if name != CONTROL]
    return {CONTROL: _GREY} | {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(others)}


def roc_plot(curves: Sequence[Curve], colours: Mapping[str, str]) -> str:
    """True positives over false matches (logarithmic), a line a set, with the line of guessing."""
    figure, axes = _axes(6.4, 4.6)
    for curve in curves:
        axes.plot(
            curve.false_matches, curve.true_matches, color=colours[curve.set], label=curve.set, linewidth=1.8
        )
    if curves:
        lowest = min(curve.false_matches[0] for curve in curves)
        chance = [lowest * (1 / lowest) ** (i / 50) for i in range(51)]
        axes.plot(chance, chance, color="black", linewidth=1, linestyle=":", label="guessing")
    axes.set(xscale="log", xlabel="false match rate", ylabel="true positive rate", ylim=(-0.02, 1.02))
    axes.legend(frameon=False, fontsize=8)
    return _data_address(figure)


def distribution_plot(curves: Sequence[Curve], colours: Mapping[str, str]) -> str:
    """For each set the scores of the same person (filled) over those of strangers (outlined)."""
    plt = _pyplot()
    columns = min(5, len(curves))
    rows = -(-len(curves) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(2.4 * columns, 1.9 * rows), squeeze=False, layout="constrained", sharex=True
    )
    for axes, curve in zip(grid.flat, curves, strict=False):
        middles = [(a + b) / 2 for a, b in zip(curve.edges, curve.edges[1:], strict=False)]
        axes.fill_between(middles, curve.genuine, color=colours[curve.set], alpha=0.45, linewidth=0)
        axes.plot(middles, curve.impostors, color="black", linewidth=1)
        axes.set_title(curve.set, fontsize=9, loc="left")
        axes.set_yticks([])
    for axes in list(grid.flat)[len(curves) :]:
        axes.axis("off")
    for axes in grid.flat:
        axes.spines[["top", "right", "left"]].set_visible(False)
    figure.supxlabel("score (right: more alike)", fontsize=9)
    return _data_address(figure)


def trade_plot(results: Results, colours: Mapping[str, str]) -> str:
    """Privacy to the right, utility up: 1 - AUC of the naive attack over the share of kept expressions."""
    figure, axes = _axes(6.4, 4.6)
    points: dict[str, tuple[float, float]] = {}
    for item in results.sets:
        private = best_figure(results, item.name, "all", "naive", "auc")
        useful = best_figure(results, item.name, "all", "", "emotion")
        if private is None or useful is None or private.value is None or useful.value is None:
            continue
        x, y = 1 - private.value, useful.value
        across = _reach(x, 1 - (private.high or private.value), 1 - (private.low or private.value))
        axes.errorbar(
            x, y, xerr=across, yerr=_reach(y, useful.low, useful.high), fmt="o", color=colours[item.name],
            markersize=7, elinewidth=1, alpha=0.9,
        )  # fmt: skip
        points[item.name] = (x, y)
    taken = [_label_box(x, y, (-_DOT, -_DOT), 2 * _DOT) for x, y in points.values()]
    for name, (x, y) in points.items():
        place = _free_place(taken, name, x, y)
        axes.annotate(name, (x, y), place, textcoords="offset points", fontsize=9, color=colours[name])
    axes.axvline(0.5, color="black", linewidth=1, linestyle=":")
    axes.annotate("guessing", (0.5, 0.01), (-4, 2), textcoords="offset points", fontsize=8, ha="right",
                  xycoords=("data", "axes fraction"))  # fmt: skip
    axes.set(xlabel="1 - AUC of the naive attack  (right: more private)", ylabel="expression class kept",
             ylim=(-0.02, 1.05), xlim=(-0.03, 0.63))  # fmt: skip
    return _data_address(figure)


_Box = tuple[float, float, float, float]  # left, bottom, right, top, in points
_POINTS = (400 / 0.66, 280 / 1.07)  # of the trade plot's axes, across and up, for one unit of each
_LETTER, _LINE = 5.0, 10.0  # about a letter's width and a line's height at the labels' size
_DOT = 5.0  # half a marker
_RINGS = (5, -13, 16, -24, 27, -35, 38, -46)


def _free_place(taken: list[_Box], name: str, x: float, y: float) -> tuple[float, float]:
    """Where a label at a point covers no other one, as an offset in points; noted in `taken`."""
    width = _LETTER * len(name)
    places = [(dx, dy) for dy in _RINGS for dx in (7.0, -7.0 - width)]
    boxes = [_label_box(x, y, place, width) for place in places]
    free = next((i for i, box in enumerate(boxes) if not any(_overlap(box, other) for other in taken)), 0)
    taken.append(boxes[free])
    return places[free]


def _label_box(x: float, y: float, place: tuple[float, float], width: float) -> _Box:
    left, bottom = x * _POINTS[0] + place[0], y * _POINTS[1] + place[1]
    return left, bottom, left + width, bottom + _LINE


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def group_plots(results: Results, colours: Mapping[str, str]) -> dict[str, str]:
    """For every label a plot: bars with intervals for each of its groups and sets, by label."""
    labels = dict.fromkeys(f.part.partition(": ")[0] for f in results.figures if ": " in f.part)
    return {label: _group_plot(results, label, colours) for label in labels}


def _group_plot(results: Results, label: str, colours: Mapping[str, str]) -> str:
    plt = _pyplot()
    parts = list(dict.fromkeys(f.part for f in results.figures if f.part.startswith(f"{label}: ")))
    names = [item.name for item in results.sets]
    figure, grid = plt.subplots(1, 3, figsize=(10.5, 3.2), layout="constrained")
    width = 0.8 / len(names)
    for axes, (attack, measure, title) in zip(grid, _GROUPED, strict=True):
        for number, name in enumerate(names):
            found = [best_figure(results, name, part, attack, measure) for part in parts]
            places = [i + (number - (len(names) - 1) / 2) * width for i in range(len(parts))]
            _bars(axes, places, found, width, colours[name], name)
        axes.set_xticks(range(len(parts)), [part.partition(": ")[2] for part in parts], fontsize=8)
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_ylim(0, 1.05)
        axes.spines[["top", "right"]].set_visible(False)
    grid[0].axhline(0.5, color="black", linewidth=1, linestyle=":")
    handles, told = grid[0].get_legend_handles_labels()
    place, columns = "outside lower center", min(9, len(names))
    figure.legend(handles, told, loc=place, ncols=columns, frameon=False, fontsize=8)
    return _data_address(figure)


def _bars(
    axes: Any,
    places: Sequence[float],
    found: Sequence[Figure | None],
    width: float,
    colour: str,
    label: str,
) -> None:
    known = [(x, f) for x, f in zip(places, found, strict=True) if f is not None and f.value is not None]
    values = [f.value or 0.0 for _, f in known]
    ends = [_reach(f.value or 0.0, f.low, f.high) for _, f in known]
    reach = [[end[side][0] for end in ends] for side in (0, 1)]
    axes.bar([x for x, _ in known], values, width, color=colour, label=label)
    axes.errorbar([x for x, _ in known], values, reach, fmt="none", color="black", linewidth=0.8)


def _reach(value: float, low: float | None, high: float | None) -> list[list[float]]:
    """How far an error bar reaches down and up, as matplotlib takes it."""
    ends = (value if low is None else low), (value if high is None else high)
    return [[max(0.0, value - min(ends))], [max(0.0, max(ends) - value)]]


def _axes(width: float, height: float) -> tuple[Any, Any]:
    figure, axes = _pyplot().subplots(figsize=(width, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _data_address(figure: Any) -> str:
    content = BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    _pyplot().close(figure)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode("ascii")


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt

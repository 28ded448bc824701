"""The rows as bars: a PNG by matplotlib, or a page of HTML by nobody's help."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from epdcli.benchmarking.rows import Kind, Row
from epdcli.errors import BackendNotInstalled, UsageError
from epdcli.files import PARTIAL, rename, write_text

_TITLES = {
    Kind.STAGE: "Stages of a picture",
    Kind.WHOLE: "The whole product",
    Kind.NETWORK: "Networks",
    Kind.START: "Cold start",
}
_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")  # Paul Tol's bright scheme


def check_target(path: Path) -> None:
    """Raises UsageError for another suffix than .png or .html, BackendNotInstalled without matplotlib."""
    if path.suffix.lower() not in (".png", ".html"):
        raise UsageError(f"{path} is neither a .png nor a .html.", hint="Name it bars.png or bars.html.")
    if path.suffix.lower() == ".png":
        try:
            import matplotlib  # noqa: F401
        except ModuleNotFoundError as error:
            raise BackendNotInstalled(
                "A PNG chart needs the package matplotlib.",
                hint="Run: pip install matplotlib, or ask for a .html",
            ) from error


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the medians as bars, a thin line to the 95th percentile; PNG or HTML by the suffix of `path`."""
    if path.suffix.lower() == ".png":
        _png(rows, path)
    else:
        write_text(path, _html(rows))


def _label(row: Row) -> str:
    return f"{row.name}, batch {row.batch}" if row.batch else row.name


def _places(rows: Sequence[Row]) -> dict[str, str]:
    """A colour for each backend, device and precision."""
    names = dict.fromkeys(row.place for row in rows)
    return {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}


def _groups(rows: Sequence[Row]) -> list[tuple[str, list[list[Row]]]]:
    """By kind, the rows that share a label together."""
    groups = []
    for kind, title in _TITLES.items():
        labels: dict[str, list[Row]] = {}
        for row in rows:
            if row.kind is kind:
                labels.setdefault(_label(row), []).append(row)
        if labels:
            groups.append((title, list(labels.values())))
    return groups


def _png(rows: Sequence[Row], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    colours, groups = _places(rows), _groups(rows)
    heights = [sum(map(len, labels)) + len(labels) for _, labels in groups]
    figure = Figure(figsize=(9, 1.5 + 0.2 * sum(heights) + 0.6 * len(groups)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(groups), 1, height_ratios=heights, squeeze=False)[:, 0]
    for place, (title, labels) in zip(axes, groups, strict=True):
        y, ticks = 0.0, []
        for alike in labels:
            ticks.append((y + (len(alike) - 1) / 2, _label(alike[0])))
            for row in alike:
                place.barh(y, row.median_ms, color=colours[row.place], height=0.9)
                place.plot([row.median_ms, row.p95_ms], [y, y], color="black", linewidth=0.8)
                place.annotate(f" {row.median_ms:,.4g}", (row.p95_ms, y), va="center", fontsize=6)
                y += 1
            y += 1
        place.set_yticks([at for at, _ in ticks], [name for _, name in ticks], fontsize=7)
        place.invert_yaxis()
        place.set_title(f"{title}: milliseconds, median and 95th percentile", fontsize=9)
        place.spines[["top", "right"]].set_visible(False)
        place.margins(x=0.12)
    handles = [Patch(color=colour, label=name) for name, colour in colours.items()]
    figure.legend(handles=handles, loc="outside lower center", fontsize=7)
    beside = path.with_name(f"{PARTIAL}{path.name}")
    figure.savefig(beside, dpi=150, format="png")
    rename(beside, path)


def _html(rows: Sequence[Row]) -> str:
    colours = _places(rows)
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in colours.items()
    )
    parts = []
    for title, labels in _groups(rows):
        longest = max(row.p95_ms for alike in labels for row in alike) or 1.0
        lines = "".join(
            f"<tr><th>{escape(_label(row)) if row is alike[0] else ''}</th><td>"
            f'<i style="width:{60 * row.median_ms / longest:.2f}%;background:{colours[row.place]}"></i>'
            f"{row.median_ms:,.4g} ms (95 %: {row.p95_ms:,.4g})</td></tr>"
            for alike in labels
            for row in alike
        )
        parts.append(f"<h2>{title}</h2><table>{lines}</table>")
    style = (
        "body{font:14px sans-serif;margin:2em}table{width:100%;border-spacing:0 2px}"
        "th{width:16em;text-align:right;font-weight:normal;padding-right:1em}"
        "i{display:inline-block;height:1em;margin-right:.5em;vertical-align:middle}"
        "span{margin-right:2em}span i{width:1em}"
    )
    head = f"<!doctype html><meta charset=utf-8><title>epd benchmark</title><style>{style}</style>"
    return f"{head}<h1>epd benchmark</h1><p>{legend}</p>{''.join(parts)}\n"

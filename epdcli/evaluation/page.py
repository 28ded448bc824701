"""The report as one self-contained HTML page: nothing is fetched, and a policy in it forbids fetching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from epdcli.evaluation import page_texts as texts
from epdcli.evaluation import plots
from epdcli.evaluation.attacks import LINKABILITY
from epdcli.evaluation.deidentified import CONTROL
from epdcli.evaluation.figures import ALL, FILLED, FLOOR, Figure
from epdcli.evaluation.gauges import NAIVE
from epdcli.evaluation.results import Results, SetSummary
from epdcli.evaluation.summary import COLUMNS, FLOOR_TITLE, Column, Row, heading, shown, summary_rows
from epdcli.wording import counted


def page(results: Results, sheet: str = "") -> str:
    """The whole page. `sheet` is the data address of a picture sheet, if one may be shown."""
    sections = (
        _head(results),
        _gate(results),
        _summary(results),
        _plots(results),
        _groups(results),
        _extra(results),
        _sets(results),
        _sheet(sheet),
        _all_figures(results),
        _judges(results),
        _limits(results),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{texts.POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>De-identification report</title><style>{texts.STYLE}</style></head><body><main>"
        + "".join(sections)
        + "</main></body></html>\n"
    )


def cell_key(figure: Figure) -> str:
    """What a table cell names its figure by, so that it can be found in results.json."""
    return "|".join((figure.set, figure.part, figure.attack, figure.measure, figure.judge))


def _head(results: Results) -> str:
    about = results.about
    judge = results.headline[0]
    marked = any(item["name"] == judge and item["role"] for item in results.judges)
    warning = f'<p><span class="mark">marked</span> {escape(texts.MARKED.format(judge=judge))}</p>'
    return (
        "<h1>What these pictures still give away, and what they are good for</h1>"
        f'<p class="soft">{about["pictures"]:,} pictures of {about["people"]:,} people, '
        f"{about['people_with_several_pictures']:,} of them with several; {escape(str(about['tool']))}. "
        f"Headline figures by <b>{escape(judge)}</b>.</p>" + (warning if marked else "")
    )


def _gate(results: Results) -> str:
    wanted = results.about["requirements"]
    if not wanted:
        return ""
    if not results.failures:
        met = escape(", ".join(wanted))
        return f'<div class="gate"><b>All {len(wanted)} requirements are met:</b> {met}</div>'
    lines = (f"{escape(failure.requirement)}: {escape(failure.reason)}" for failure in results.failures)
    return f'<div class="gate failed"><b>Requirements that are not met</b>{_list(lines)}</div>'


def _summary(results: Results) -> str:
    """Two tables, so that each fits on a small screen: what an attacker learns, and what is left to use."""
    rows = list(summary_rows(results))
    used = [i for i, _ in enumerate(COLUMNS) if any(row.cells[i] is not None for row in rows)]
    attacked, useful = ([i for i in used if bool(COLUMNS[i].attack) == wanted] for wanted in (True, False))
    hints = "; ".join(f"{COLUMNS[i].title}: {COLUMNS[i].hint}" for i in used if COLUMNS[i].hint)
    return (
        "<h2>Summary</h2>"
        + "".join(
            f'<h3>{title}</h3><div class="scroll">{_summary_table(rows, columns, name)}</div>'
            for title, columns, name in (
                ("What an attacker learns", attacked, "privacy"),
                ("What the pictures are good for", useful, "utility"),
            )
            if columns
        )
        + f'<p class="soft">{texts.SUMMARY} {escape(hints)}.</p>'
    )


def _summary_table(rows: Sequence[Row], columns: Sequence[int], name: str) -> str:
    heads = "".join(_head_cell(heading(rows, i), COLUMNS[i].better.value, COLUMNS[i].hint) for i in columns)
    best = {i: _best(rows, i) for i in columns}
    lines = (
        f'<tr class="{_kind(row)}"><td>{escape(row.title)}<small>{_counted(row.pictures)}</small></td>'
        + "".join(_cell(row.cells[i], COLUMNS[i], row.cells[i] in best[i]) for i in columns)
        + "</tr>"
        for row in rows
        if any(row.cells[i] is not None for i in columns)
    )
    return _table("<th></th>" + heads, lines, name, "summary")


def _counted(pictures: int | None) -> str:
    if pictures is None:
        return "strangers"
    return counted(pictures, "picture")


def _best(rows: Sequence[Row], column: int) -> list[Figure]:
    """The best figures of a column among methods, not among the control and the filled faces."""
    cells = [cell for row in rows if (cell := row.cells[column]) is not None]
    known = [f for f in cells if f.value is not None and f.set != CONTROL and f.part == ALL]
    if len(known) < 2:
        return []
    goodness = [COLUMNS[column].goodness(figure.value or 0.0) for figure in known]
    return [figure for figure, good in zip(known, goodness, strict=True) if good == max(goodness)]


def _kind(row: Row) -> str:
    if row.title in (CONTROL, FLOOR_TITLE):
        return "control"
    return "filled" if row.title.endswith(FILLED) else ""


def _cell(figure: Figure | None, column: Column, best: bool) -> str:
    if figure is None:
        return "<td>–</td>"
    kind = ' class="best"' if best else ""
    note = escape(f"{figure.judge} {figure.note}".strip())
    told = f'data-key="{escape(cell_key(figure))}" data-digits="{column.digits}" title="{note}"'
    return f"<td{kind} {told}>{shown(figure, column)}<small>{_ends(figure, column.digits)}</small></td>"


def _ends(figure: Figure, digits: int) -> str:
    if figure.value is None:
        return "too few pairs" if "pairs" in figure.note else ""
    if figure.low is None or figure.high is None or figure.low == figure.high:
        return ""
    return f"{figure.low:.{digits}f}–{figure.high:.{digits}f}"


def _plots(results: Results) -> str:
    colours = plots.colours_of([item.name for item in results.sets])
    judge = results.headline[0]
    of_attack = {
        attack: [curve for curve in results.curves if curve.attack == attack]
        for attack in (NAIVE, LINKABILITY)
    }
    figures = [
        _image(plots.trade_plot(results, colours), texts.TRADE),
        _image(plots.roc_plot(of_attack[NAIVE], colours), texts.ROC.format(judge=judge)),
    ]
    for attack, text in ((NAIVE, texts.DISTRIBUTIONS), (LINKABILITY, texts.LINKS)):
        if of_attack[attack]:
            plot = plots.distribution_plot(of_attack[attack], colours)
            figures.append(_image(plot, text.format(judge=judge), "wide"))
    return f'<h2>Curves</h2><div class="plots">{"".join(figures)}</div>'


def _groups(results: Results) -> str:
    colours = plots.colours_of([item.name for item in results.sets])
    images = plots.group_plots(results, colours)
    if not images:
        return ""
    floors = "".join(
        f"<p>Strangers who share their labels already reach an AUC of <b>{f.value:.3f}</b> with "
        f'{escape(f.judge)} <span class="soft">({escape(f.note)})</span>: {texts.FLOOR}</p>'
        for f in results.figures
        if f.measure == FLOOR
    )
    return f"<h2>Groups</h2>{floors}" + "".join(
        _image(address, f"By {label}; intervals of 95 %") for label, address in images.items()
    )


def _extra(results: Results) -> str:
    """A table that another package made of these results, such as hifd's scores."""
    return "".join(
        f"<h2>{escape(table.title)}</h2><p>{escape(table.text)}</p>"
        + _table(
            _heads(table.columns), (_line([escape(cell) for cell in row], "number") for row in table.rows)
        )
        for table in results.extras
    )


def _sets(results: Results) -> str:
    heads = (
        ("", ""),
        ("pictures", ""),
        ("missing", "withheld or not written"),
        ("filled", "main face; own row above"),
        ("no face found", "aligned by the original"),
        ("time to make", ""),
    )
    lines = (_line(_set_cells(item), "number") for item in results.sets)
    return "<h2>Sets</h2>" + _table("".join(_head_cell(*head) for head in heads), lines)


def _set_cells(item: SetSummary) -> list[str]:
    counts = (item.pictures, item.missing, item.filled, item.not_found)
    seconds = "–" if item.seconds is None else f"{item.seconds:,.0f} s"
    return [escape(item.name), *(f"{count:,}" for count in counts), seconds]


def _sheet(sheet: str) -> str:
    if not sheet:
        return ""
    image = _image(sheet, "Each column a picture, each row a set")
    return f'<h2>Pictures</h2><p class="soft">{texts.SHEET}</p>{image}'


def _all_figures(results: Results) -> str:
    heads = ("set", "pictures", "attack", "figure", "judge", "value", "95 %", "counted on", "note")
    lines = (_line(_figure_cells(figure), "text") for figure in results.figures)
    told = f"{len(results.figures):,} figures, with their thresholds and counts"
    return (
        f"<h2>Every figure</h2><details><summary>{told}</summary>"
        f'<div class="scroll">{_table(_heads(heads, "text"), lines)}</div></details>'
    )


def _figure_cells(figure: Figure) -> list[str]:
    mark = f' <span class="mark">{escape(figure.role)}</span>' if figure.role else ""
    named = (figure.set, figure.part, figure.attack, figure.measure)
    value = "–" if figure.value is None else f"{figure.value:.4g}"
    note = f'<span class="note">{escape(figure.note)}</span>'
    judge = escape(figure.judge) + mark
    return [*map(escape, named), judge, value, _ends(figure, 4), f"{figure.count:,}", note]


def _judges(results: Results) -> str:
    heads = ("name", "kind", "used by the product for", "file", "SHA-256")
    lines = (_line(_judge_cells(item), "text") for item in results.judges)
    return f"<h2>Judges</h2><p>{texts.JUDGES}</p>{_table(_heads(heads, 'text'), lines)}"


def _judge_cells(item: Mapping[str, str]) -> list[str]:
    name, kind, role, file = (escape(item[key]) for key in ("name", "kind", "role", "file"))
    mark = f'<span class="mark">{role}</span>' if role else "nothing"
    return [name, kind, mark, file, escape(item["sha256"][:16])]


def _limits(results: Results) -> str:
    not_measured = _list(map(escape, texts.NOT_MEASURED))
    return f"<h2>What was not measured or removed</h2>{not_measured}{_left_out(results)}"


def _left_out(results: Results) -> str:
    """The originals that no figure counts, each with the reason."""
    about = results.about
    reasons = {
        **about["originals_unreadable"],
        **about["originals_skipped"],
        **dict.fromkeys(about["originals_without_a_face"], texts.NO_FACE),
    }
    lines = (f"{escape(name)}: {escape(reason)}" for name, reason in sorted(reasons.items()))
    return f"<h3>Originals that were left out</h3>{_list(lines)}" if reasons else ""


def _table(heads: str, lines: Iterable[str], name: str = "", kind: str = "") -> str:
    named = f' id="{name}" class="{kind}"' if name else ""
    return f"<table{named}><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _heads(titles: Iterable[str], kind: str = "number") -> str:
    return "".join(f'<th class="{kind}">{escape(title)}</th>' for title in titles)


def _head_cell(title: str, small: str, hint: str = "") -> str:
    return f'<th title="{escape(hint)}">{escape(title)}<small>{escape(small)}</small></th>'


def _line(cells: Iterable[str], kind: str) -> str:
    return "<tr>" + "".join(f'<td class="{kind}">{cell}</td>' for cell in cells) + "</tr>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"


def _image(address: str, caption: str, kind: str = "") -> str:
    told = escape(caption)
    return (
        f'<figure class="{kind}"><img alt="{told}" src="{address}"><figcaption>{told}</figcaption></figure>'
    )

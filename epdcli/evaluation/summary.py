"""The table that everybody reads first: methods by the figures that decide, judged by whom the product knows
least."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from epdcli.evaluation.deidentified import CONTROL
from epdcli.evaluation.figures import ALL, FILLED, FLOOR, Figure
from epdcli.evaluation.inversion import INVERSION
from epdcli.evaluation.parrot import HEAD
from epdcli.evaluation.results import Results

FLOOR_TITLE = "floor: same labels"
MARK = "†"


class Better(StrEnum):
    """Which way a figure is better. An AUC under 0.5 tells people apart as well as one over it."""

    LESS = "less is better"
    MORE = "more is better"
    HALF = ".5 is best"
    ONE = "1 is best"


@dataclass(frozen=True)
class Column:
    """One figure of every set: which way is better, how many digits are printed."""

    title: str
    attack: str
    measure: str
    better: Better
    digits: int = 3
    hint: str = ""

    def goodness(self, value: float) -> float:
        """A number that is larger for better values."""
        match self.better:
            case Better.LESS:
                return -value
            case Better.MORE:
                return value
            case Better.HALF:
                return -abs(value - 0.5)
            case Better.ONE:
                return -abs(value - 1)


@dataclass(frozen=True)
class Row:
    """One set, or its filled faces: `pictures` it is counted on (None: none), and a figure for each column or
    None."""

    title: str
    pictures: int | None
    cells: tuple[Figure | None, ...]


COLUMNS = (
    Column("AUC", "naive", "auc", Better.HALF, hint="naive attack; 0.5 is guessing"),
    Column(
        "TPR@1e-3", "naive", "tpr@1e-3", Better.LESS, 4, "naive attack, at a false match rate of one in 1000"
    ),
    Column("rank-1", "naive", "rank-1", Better.LESS, hint="naive attack: the right person comes first"),
    Column("oracle AUC", "oracle", "auc", Better.HALF, hint="aligned by the original's landmarks"),
    Column("link AUC", "linkability", "auc", Better.HALF, hint="two new pictures of one person"),
    Column(
        "look-alike", "existence", "look-alike", Better.LESS, hint="closer to some stranger than 1 in 1000"
    ),
    Column("parrot AUC", HEAD, "auc", Better.HALF, hint="by a network that learnt from the tool's output"),
    Column("inverted AUC", INVERSION, "auc", Better.HALF, hint="after a network undid the tool"),
    Column("emotion", "", "emotion", Better.MORE, hint="same class before and after"),
    Column("F1 drop", "", "F1 drop, emotion", Better.LESS, hint="of a classifier that learns from the set"),
    Column("NME", "", "landmark NME", Better.LESS, hint="68 landmarks, in eye distances"),
    Column("pose, °", "", "head pose", Better.LESS, 1, "mean change of three angles"),
    Column("gaze, °", "", "gaze", Better.LESS, 1, "angle between the directions"),
    Column("found", "", "found again", Better.MORE, hint="the face is detected again"),
    Column("PSNR, dB", "", "PSNR outside", Better.MORE, 1, "outside all faces; 60 is unchanged"),
    Column("sharp", "", "sharpness", Better.ONE, 2, "of the original's; edges of blocks count"),
    Column(
        "Fréchet",
        "",
        "Frechet distance",
        Better.LESS,
        hint="of the feature network's, by default the recogniser's, answers",
    ),
)


def summary_rows(results: Results) -> Iterator[Row]:
    """A row for every set, and one for the faces of a set that were filled instead; where labels are
    known, first what strangers of the same labels reach, beside which an AUC is read."""
    floor = best_figure(results, CONTROL, ALL, "", FLOOR)
    if floor is not None:
        cells = (floor if (c.attack, c.measure) == ("naive", "auc") else None for c in COLUMNS)
        yield Row(FLOOR_TITLE, None, tuple(cells))
    for item in results.sets:
        yield _row(results, item.name, ALL, item.name, item.pictures - item.filled)
        if item.filled:
            yield _row(results, item.name, FILLED, f"{item.name}: filled", item.filled)


def best_figure(results: Results, name: str, part: str, attack: str, measure: str) -> Figure | None:
    """The figure by the judge that the product uses for nothing: the first headline recogniser, else the
    first unmarked judge, else the first."""
    found = [
        figure
        for figure in results.figures
        if (figure.set, figure.part, figure.attack, figure.measure) == (name, part, attack, measure)
    ]
    headline = [figure for figure in found if figure.judge in results.headline[:1]]
    unmarked = [figure for figure in found if not figure.role]
    return next(iter([*headline, *unmarked, *found]), None)


def shown(figure: Figure | None, column: Column) -> str:
    """A cell as text: the value, or a dash where there is none."""
    return "–" if figure is None or figure.value is None else f"{figure.value:.{column.digits}f}"


def heading(rows: Sequence[Row], column: int) -> str:
    """A column's title, marked where whoever judged is used by the product itself."""
    marked = any(cell is not None and cell.role for cell in (row.cells[column] for row in rows))
    return COLUMNS[column].title + (f" {MARK}" if marked else "")


def _row(results: Results, name: str, part: str, title: str, pictures: int) -> Row:
    cells = (best_figure(results, name, part, c.attack, c.measure) for c in COLUMNS)
    return Row(title, pictures, tuple(cells))


def as_markdown(results: Results) -> str:
    """The table for a README: a line a set, columns that nobody measured left out."""
    rows = list(summary_rows(results))
    used = [i for i, _ in enumerate(COLUMNS) if any(row.cells[i] is not None for row in rows)]
    lines = [
        ["", "pictures", *(heading(rows, i) for i in used)],
        ["---", *["---:"] * (1 + len(used))],
        *(
            [
                row.title,
                "–" if row.pictures is None else str(row.pictures),
                *(shown(row.cells[i], COLUMNS[i]) for i in used),
            ]
            for row in rows
        ),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

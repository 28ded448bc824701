"""The fixed parts of the report page: its style, its policy, and what it says in words."""

from __future__ import annotations

# Nothing may be fetched: the browser refuses what the page doesn't hold itself.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { --ink: #1d2329; --soft: #5b6570; --line: #dfe3e8; --best: #e3f3ea; --warn: #fff3d6; --bad: #fde8e8 }
* { box-sizing: border-box }
body { margin: 0; background: #f5f6f8; color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
main { max-width: 1280px; margin: 0 auto; padding: 32px 28px 80px; background: #fff }
h1 { font-size: 26px; margin: 0 0 4px }
h2 { font-size: 19px; margin: 40px 0 8px }
p { margin: 6px 0; max-width: 100ch }
.soft { color: var(--soft); font-size: 13.5px }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: 10px 0 }
th, td { padding: 5px 8px; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top;
  white-space: nowrap }
th:first-child, td:first-child, .text { text-align: left }
thead th { border-bottom: 2px solid var(--ink); font-weight: 600 }
th small, td small { display: block; font-weight: 400; color: var(--soft); font-size: 10.5px }
h3 { font-size: 15px; margin: 18px 0 4px }
.summary { width: 100% }
.summary th, .summary td { padding: 5px 4px }
.summary td:first-child { white-space: normal; min-width: 8em }
tr.control td, tr.filled td { color: var(--soft) }
td.best { background: var(--best); font-weight: 600 }
.note { display: block; white-space: normal; min-width: 22em; color: var(--soft); font-size: 12.5px }
.mark { background: var(--warn); border-radius: 3px; padding: 0 5px; font-size: 12px }
.gate { border-left: 5px solid #2f8f5b; background: var(--best); padding: 8px 14px; margin: 16px 0 }
.gate.failed { border-color: #c0392b; background: var(--bad) }
.gate ul { margin: 4px 0; padding-left: 20px }
.plots { display: grid; grid-template-columns: 1fr 1fr; gap: 18px }
.plots .wide { grid-column: 1 / -1 }
figure { margin: 0 0 12px }
figure img { max-width: 100%; height: auto }
figcaption { font-size: 13px; color: var(--soft) }
details { margin: 12px 0 }
summary { cursor: pointer; font-weight: 600 }
@media (max-width: 800px) {
  .plots { grid-template-columns: 1fr } main { padding: 20px 12px }
  .summary { font-size: 12px } .summary th, .summary td { padding: 4px 3px }
  .summary th small, .summary td small { font-size: 9px }
}
"""

TRADE = (
    "Privacy against utility, with 95 % intervals. The upper right corner is what everybody wants; the "
    "untouched pictures stand on the left."
)
ROC = "Naive attack by {judge}: the probes recognised at each rate of false matches. Lower is more private."
DISTRIBUTIONS = (
    "Naive attack: scores of the same person (filled) and of strangers (line), by {judge}. Where they lie on "
    "each other, nothing can be told."
)
LINKS = "Linkability: scores of two new pictures of one person (filled) and of two people (line), by {judge}."
SUMMARY = (
    "Small numbers are 95 % intervals (people drawn again and again). Green: the best method, the untouched "
    "control apart. †: judged by a network that the product itself uses (see Judges). Thresholds come from "
    "the attack's own pairs of strangers."
)
MARKED = (
    "The only recogniser given, {judge}, is used by the product itself: for epd's own pictures its figures "
    "are too good. Give another with --recogniser."
)
SHEET = "This sheet shows originals: the report is not for release."
JUDGES = (
    "A network that the product verifies its own faces with (<i>verification</i>) selects what it then "
    "judges, and one that the generator was trained on (<i>training</i>) is fooled by construction: their "
    "rows are marked, and headline figures come from others where others were given."
)
FLOOR = "a method that keeps these labels can hardly go below."
NO_FACE = "no face was found or given"
NOT_MEASURED = (
    "Bodies, gait, clothes, hair, tattoos, text, licence plates, voices and places identify people too. "
    "None of them is measured here, and epd removes none of them.",
    "Only the main face of each picture is judged; bystanders are not.",
    "An attacker with better recognisers, more pictures of a person, or knowledge of who can be on a "
    "picture does better than any row here: figures say what these judges can do, not what is possible.",
    "Reflections, backs of heads, and people told by those they stand beside.",
)

"""The page of the architecture: the way of a fact, the table of rooms, and a picture drawn from the imports."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from rooms import LIBRARIES, ROOMS, floors, imports_of_rooms

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = """# Architecture

<!-- Written by docs/architecture.py from docs/rooms.py and the imports of src/streamtap: run `make docs`. -->

## The way of a fact

```
doors  →  runs (with the meter)  →  records  →  delivery  →  sinks  →  views
```

A door turns what Pydantic AI calls into "this happened, now".
An open run keeps together what belongs together; the meter does the arithmetic of one response.
What is over becomes a frozen record.
Delivery hands it to the sinks, behind one guard: whatever a sink raises is counted and never reaches the run.
Sinks turn records into metrics, spans, ledgers and lines; views show them.
Records flow one way.
A sink may ask back only through its `Attachment`: for a snapshot of what is open, and for runs that are over to be reported.
Tracing is beside that way: an open run asks the span sink for its spans, so that their ids are in the records.

## The rooms

Each is a package of `src/streamtap`, or a file at its top.
A room may import itself, `_version`, and the rooms that the table names; `tests/product/test_rooms.py` reads every import statement and fails with the file, the line and the rule.

![The rooms, from the ground floor up: each stands above all that it imports](images/architecture.svg)

| room | what it is | may import |
|---|---|---|
"""

LIBRARIES_HEAD = """
These libraries may be imported in a few places only.

| library | where | besides, for types only |
|---|---|---|
"""

TAIL = """
## Where is it?

| question | file, below `src/streamtap` |
|---|---|
| Where is time to first token computed? | `_runs/response_record.py`, from the moments that `_meter/response.py` keeps |
| Where is a tool's duration decided? | `_doors/capability/run.py` for the capability, which sees the execution; `_doors/tool_round.py` for the handler and watch, which infer it from events |
| Where is the label cap? | `_sinks/label_cap.py` |
| Where does a nested run get its parent? | `_runs/registry.py`, from `_runs/caller.py` |
| Where does OTLP differ from scraping? | `_sinks/otel/instruments.py` and `_sinks/prometheus/instruments.py`, below one catalogue |
| What makes every agent of the process measured? | `_install/install.py`; `_upstream/every_run.py` is what it wraps of Pydantic AI. `opentelemetry-instrument` comes in by `src/streamtap_instrumentor.py`, beside the package |
| Where is a run judged to be over? | `_doors/nodes/endings.py` for the handler and watched nodes, `_doors/capability/run.py`, `_doors/watch/run.py`; all call `Runs.end()` of `_runs/registry.py`, which also ends those still open at the cap or at `close()` |
| Where is it decided what failed? | `_records/failed.py`; where and why a run failed: `_runs/failures.py` |
| Where is a loop found? | `_runs/tool_calls.py`, by the numbers of `_upstream/tool_arguments.py` |
| Where are a prompt's growth and a missed cache found? | `_runs/prompts.py`, from the prompt before |
| Where is a run judged by its objective? | `_runs/objectives.py`, at its end in `_runs/run_end.py` |
| Where are attempts at one question tied together? | `_runs/questions.py` |
| Where are very many records read? | `_report/fleet/`: `store.py` takes their lines, `gathered.py` asks for what `_report/gathered.py` finds in a single pass |
| Where is it decided what is worse, and which budget is missed? | `_report/compare.py` and `_report/budget_verdicts.py`, from the intervals of `_report/statistics.py` |
| Where do I add a door, a metric, a sink, a board? | see `CONTRIBUTING.md`, at the top of the repository |
| What may a sink touch? | the rooms that the table gives `_sinks`: records, but nothing of Pydantic AI |
| Where does the cost come from? | `_upstream/response_costs.py`: what the provider charged, else the list price; the user's own price is applied in `_runs/price.py` |
| Where is it decided whether usage is complete? | `_runs/measured_usage.py` |
| Where is it decided whether a test or a case kept its budget? | `_budgets/quantities.py`, of what `_budgets/measured.py` took together |
| Where is the live page's JSON made? | `_web/documents.py` and `_web/figures.py` |
"""


def page() -> str:
    """The page, in Markdown."""
    rows = [f'| `{room.name}` | {room.what} | {_allowed(place)} |' for place, room in enumerate(ROOMS)]
    libraries = [
        f'| `{name}` | {_names(library.at_run_time)} | {_names(library.for_types)} |'
        for name, library in LIBRARIES.items()
    ]
    return HEAD + '\n'.join(rows) + '\n' + LIBRARIES_HEAD + '\n'.join(libraries) + '\n' + TAIL


def _allowed(place: int) -> str:
    above = {room.name for room in ROOMS[:place]}
    return 'all above' if above and above <= set(ROOMS[place].imports) else _names(ROOMS[place].imports)


def _names(names: tuple[str, ...]) -> str:
    return ', '.join(f'`{name}`' for name in names) or '-'


WIDTH, BOX, FLOOR, LEFT = 1080, 168, 74, 20
STYLE = """
rect.paper { fill: #ffffff; } rect.room { fill: #eef3f8; stroke: #5b7c99; } text { fill: #1b1f24; font: 13px system-ui, sans-serif; }
text.floor { fill: #5c6570; font-size: 11px; } path { stroke: #8a9aa8; fill: none; } marker path { fill: #8a9aa8; stroke: none; }
"""


def picture() -> str:
    """The rooms as an SVG picture, a row for each floor; an import that follows from two others is not drawn."""
    graph = imports_of_rooms()
    floor_of = floors(graph)
    top = max(floor_of.values())
    places: dict[str, tuple[float, float]] = {}
    drawn: list[str] = []
    for floor in range(1, top + 1):
        y = 16 + (top - floor) * FLOOR
        drawn.append(f'<text class="floor" x="{LEFT}" y="{y + 24}">floor {floor}</text>')
        rooms = [room.name for room in ROOMS if floor_of.get(room.name) == floor]
        gap = (WIDTH - 90 - BOX * len(rooms)) / (len(rooms) + 1)
        for number, name in enumerate(rooms):
            places[name] = 80 + gap + number * (BOX + gap), y
    drawn[:0] = [_arrow(places[name], places[other]) for name, other in _needed(graph) if other in places]
    for name, (x, y) in places.items():
        drawn.append(f'<rect class="room" x="{x:.0f}" y="{y:.0f}" width="{BOX}" height="38" rx="6"/>')
        drawn.append(f'<text x="{x + BOX / 2:.0f}" y="{y + 24:.0f}" text-anchor="middle">{escape(name)}</text>')
    height = 16 + top * FLOOR
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">\n<style>{STYLE}</style>\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 Z"/></marker></defs>\n'
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>\n' + '\n'.join(drawn) + '\n</svg>\n'
    )


def _arrow(above: tuple[float, float], below: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = (above[0] + BOX / 2, above[1] + 38), (below[0] + BOX / 2, below[1] - 2)
    bend = (y2 - y1) / 2
    return f'<path marker-end="url(#tip)" d="M{x1:.0f} {y1:.0f} C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}"/>'


def _needed(graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The imports that do not follow from others: of A → B → C and A → C, the last is left out."""

    def reach(node: str) -> set[str]:
        return {far for near in graph.get(node, ()) for far in ({near} | reach(near))}

    return [
        (node, other)
        for node, others in graph.items()
        for other in sorted(others - {'_version'})
        if not any(other in reach(between) for between in others - {other})
    ]

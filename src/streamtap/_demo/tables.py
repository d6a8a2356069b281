"""The tables of the demo's screen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from streamtap._display.grid import Column, Grid
from streamtap._display.text import dollars, outcome_counts, rate, seconds
from streamtap._records.failed import FAILED_RUNS, FAILED_TOOLS
from streamtap._sinks.usage.figures import AgentUsage, ModelUsage, ToolUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamtap._display.grid import Layout, Piece
    from streamtap._records.live import Live
    from streamtap._sinks.usage.summary import UsageSummary

_NOW = Column('now', tells_none=True)
_FAILED = Column('failed', least=10, tells_none=True)
_COST = Column('cost', least=7)

_NESTED = Column('nested', 0)

_AGENTS = (
    Column('agent'),
    _NOW,
    Column('runs', least=4),
    _NESTED,
    _FAILED,
    Column('blank p50'),
    Column('p95', 3, name='blank p95', least=7),
    Column('run p50', 2, least=7),
    Column('tokens', 1, least=7),
    _COST,
)
_MODELS = (
    Column('model'),
    _NOW,
    Column('stalled', tells_none=True),
    Column('reqs', least=4),
    Column('failed', tells_none=True),
    Column('TTFT p50'),
    Column('p95', 1, name='TTFT p95', least=7),
    Column('tokens/s', 2),
    _COST,
)
_TOOLS = Column('tool'), _NOW, Column('calls', least=4), _FAILED, Column('p50', least=7), Column('p95', least=7)

_STYLES = {'now': 'cyan', 'stalled': 'bold red', 'failed': 'red', 'cost': 'green'}


def agents(summary: UsageSummary, live: Live) -> Grid:
    """What each agent did, and does."""
    rows = {row.agent: row for row in summary.agents}
    now = Counter(run.agent for run in live.runs)
    found = ((name, rows.get(name) or AgentUsage(agent=name)) for name in sorted({*rows, *now}))
    cells = [
        (
            name,
            _count(now[name]),
            str(row.runs),
            _count(row.nested_runs),
            outcome_counts(row.outcomes, only=FAILED_RUNS),
            seconds(row.time_to_first_output_p50),
            seconds(row.time_to_first_output_p95),
            seconds(row.run_duration_p50),
            '-' if row.tokens is None else f'{row.tokens:,}',
            dollars(row.cost_usd),
        )
        for name, row in found
    ]
    # Most demos have none.
    shown = [
        place for place, each in enumerate(_AGENTS) if each is not _NESTED or any(row[place] != '-' for row in cells)
    ]
    return Grid(
        [_AGENTS[place] for place in shown], [tuple(row[place] for place in shown) for row in cells], name='agents'
    )


def models(summary: UsageSummary, live: Live) -> Grid:
    """What each model did, and does."""
    rows = {(row.provider, row.model): row for row in summary.models}
    now = Counter((response.provider, response.model) for response in live.responses)
    stalled = Counter((response.provider, response.model) for response in live.responses if response.stalled)
    found = ((key, rows.get(key) or ModelUsage(provider=key[0], model=key[1])) for key in sorted({*rows, *now}))
    cells = [
        (
            ':'.join(key),
            _count(now[key]),
            _count(stalled[key]),
            str(row.requests),
            _count(row.failed_requests),
            seconds(row.time_to_first_token_p50),
            seconds(row.time_to_first_token_p95),
            rate(row.output_tokens_per_second_p50),
            dollars(row.cost_usd),
        )
        for key, row in found
    ]
    return Grid(_MODELS, cells, name='models')


def tools(summary: UsageSummary, live: Live) -> Grid:
    """What each tool did, and does."""
    rows = {(row.agent, row.tool, row.kind): row for row in summary.tools}
    now = Counter((call.agent, call.tool, str(call.kind)) for call in live.tools)
    cells: list[tuple[str, ...]] = []
    for key in sorted({*rows, *now}):
        agent, tool, kind = key
        row = rows.get(key) or ToolUsage(
            agent=agent, tool=tool, kind=kind, calls=0, outcomes={}, duration_p50=None, duration_p95=None
        )
        failed = outcome_counts(row.outcomes, only=FAILED_TOOLS)
        times = seconds(row.duration_p50), seconds(row.duration_p95)
        cells.append((f'{agent}/{tool}', _count(now[key]), str(row.calls), failed, *times))
    return Grid(_TOOLS, cells, name='tools')


def lines_of(grid: Grid, layout: Layout) -> Iterator[Text]:
    """The lines of a table, with colours."""
    for line in layout.lines:
        yield Text.assemble(*((piece.text, _style(grid, piece)) for piece in line))


def _style(grid: Grid, piece: Piece) -> str:
    if piece.row is None or piece.text.strip() == '-':
        return 'dim'
    return _STYLES.get(grid.headings[piece.column], '') if piece.column else 'bold'


def _count(number: int) -> str:
    return str(number or '-')

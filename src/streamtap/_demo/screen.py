"""The demo's live table: the tap's usage ledger and its snapshot of what is open, as one screen."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, cast

from pydantic_ai.exceptions import ModelHTTPError
from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streamtap._demo.recent import add_recent, legend
from streamtap._display.exits import in_line
from streamtap._display.text import dollars, outcome_counts, rate, seconds
from streamtap._records.failed import FAILED_RUNS, FAILED_TOOLS
from streamtap._sinks.usage.summary import AgentUsage, ModelUsage, ToolUsage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from streamtap._records.live import Live
    from streamtap._sinks.usage.summary import UsageSummary
    from streamtap._tap import Tap

WIDTH, HEIGHT = 100, 40
"""The size of the whole screen; a terminal with fewer lines gets less of it."""

_LAST_RUNS = 4

PLUG_IN = 'tap = streamtap.Tap()', 'agent = Agent(..., capabilities=[tap.capability(stream=True)])'
"""The two lines that tap the user's own agent."""


class Screen:
    """Renders the current state each time rich asks for it.

    Args:
        tap: The tap whose figures are shown.
        url: The URL of the live view.
        note: What the cost means.
    """

    def __init__(self, tap: Tap, url: str, note: str) -> None:
        self._tap = tap
        self._url = url
        self._note = note
        self._began = time.monotonic()
        self._last_error = ''

    def failed(self, agent: str, error: Exception) -> None:
        """Show why a run failed, until the next one fails.

        Args:
            agent: The agent whose run it was.
            error: What it raised.
        """
        self._last_error = f'{agent}: {in_short(error)}'

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The screen as it is now."""
        summary, live = self._tap.usage.summary(), self._tap.live()
        yield self._head(summary, live)
        yield from (_agents(summary, live), '', _models(summary, live), '')
        if console.height >= HEIGHT - 8:
            yield from (_tools(summary, live), '')
        if console.height >= HEIGHT:
            yield from (_last_runs(summary), '')
        yield self._foot()

    def _head(self, summary: UsageSummary, live: Live) -> RenderableType:
        minutes, rest = divmod(int(time.monotonic() - self._began), 60)
        stalled = [response for response in live.responses if response.stalled]
        figures = (
            ('up', f'{minutes}:{rest:02d}', ''),
            ('runs', str(summary.total.runs), ''),
            ('in progress', str(sum(run.parent_run_id is None for run in live.runs)), 'cyan'),
            ('stalled now', str(len(stalled)), 'bold red' if stalled else ''),
            ('tokens out', f'{summary.total.output_tokens:,}', ''),
            ('cost', dollars(summary.total.cost_usd), 'green'),
        )
        line = Table.grid(expand=True, padding=(0, 2, 0, 0))
        for _ in figures:
            line.add_column(no_wrap=True)
        line.add_row(*(Text.assemble((f'{name} ', 'dim'), (value, f'bold {style}')) for name, value, style in figures))
        now = Text('no stream is stalled', 'dim')
        if stalled:
            longest = max(stalled, key=lambda response: response.wait or 0.0)
            where = 'in mid-stream' if longest.stalled == 'mid_stream' else 'before its first token'
            now = Text(f'{longest.model} has been silent for {seconds(longest.wait)} {where} ({longest.agent})', 'red')
        return Panel(
            Group(line, now),
            title='[bold]streamtap demo[/]',
            title_align='left',
            subtitle=Text(self._url, 'cyan'),
            subtitle_align='right',
            box=box.ROUNDED,
        )

    def _foot(self) -> RenderableType:
        lines = [
            Text.assemble((' plug in  ', 'dim'), PLUG_IN[0]),
            Text.assemble(('          ', 'dim'), PLUG_IN[1]),
            Text.assemble((' cost     ', 'dim'), self._note),
        ]
        if self._last_error:
            lines.append(Text.assemble((' failed   ', 'dim'), (self._last_error, 'red')))
        for line in lines:
            line.no_wrap, line.overflow = True, 'ellipsis'
        return Group(*lines)


_WIDTHS = {'now': 3, 'runs': 4, 'failed': 10}
"""The columns' minimum widths, so that a table does not jump about as it fills."""


def in_short(error: Exception) -> str:
    """What went wrong, on one line.

    Args:
        error: What a run raised.
    """
    if not isinstance(error, ModelHTTPError):
        return in_line(f'{type(error).__name__}: {error}')
    why = error.body
    if isinstance(why, dict):
        why = cast('dict[str, object]', why).get('message', cast('object', why))
    return in_line(f'{error.status_code} from {error.model_name}: {why}')


def _agents(summary: UsageSummary, live: Live) -> Table:
    table = _table('agent', 'now', 'runs', 'failed', 'blank screen p50', 'p95', 'run p50', 'tokens', 'cost')
    rows = {row.agent: row for row in summary.agents}
    now = Counter(run.agent for run in live.runs)
    for name in sorted({*rows, *now}):
        row = rows.get(name) or AgentUsage(agent=name)
        table.add_row(
            Text(name, 'bold'),
            _now(now[name]),
            str(row.runs),
            _failures(row.outcomes, FAILED_RUNS),
            seconds(row.time_to_first_output_p50),
            seconds(row.time_to_first_output_p95),
            seconds(row.run_duration_p50),
            f'{row.input_tokens + row.output_tokens:,}',
            Text(dollars(row.cost_usd), 'green'),
        )
    return table


def _models(summary: UsageSummary, live: Live) -> Table:
    table = _table('model', 'now', 'stalled', 'requests', 'failed', 'TTFT p50', 'p95', 'tokens/s', 'cost')
    rows = {(row.provider, row.model): row for row in summary.models}
    now = Counter((response.provider, response.model) for response in live.responses)
    stalled = Counter((response.provider, response.model) for response in live.responses if response.stalled)
    for key in sorted({*rows, *now}):
        row = rows.get(key) or ModelUsage(provider=key[0], model=key[1])
        table.add_row(
            Text(':'.join(key), 'bold'),
            _now(now[key]),
            Text(str(stalled[key] or '-'), 'bold red' if stalled[key] else 'dim'),
            str(row.requests),
            Text(str(row.failed_requests or '-'), 'red' if row.failed_requests else 'dim'),
            seconds(row.time_to_first_token_p50),
            seconds(row.time_to_first_token_p95),
            rate(row.output_tokens_per_second_p50),
            Text(dollars(row.cost_usd), 'green'),
        )
    return table


def _tools(summary: UsageSummary, live: Live) -> Table:
    table = _table('tool', 'now', 'calls', 'failed', 'p50', 'p95')
    rows = {(row.agent, row.tool, row.kind): row for row in summary.tools}
    now = Counter((call.agent, call.tool, str(call.kind)) for call in live.tools)
    for key in sorted({*rows, *now}):
        agent, tool, kind = key
        row = rows.get(key) or ToolUsage(
            agent=agent, tool=tool, kind=kind, calls=0, outcomes={}, duration_p50=None, duration_p95=None
        )
        table.add_row(
            Text.assemble((f'{agent}/', 'dim'), (tool, 'bold')),
            _now(now[key]),
            str(row.calls),
            _failures(row.outcomes, FAILED_TOOLS),
            seconds(row.duration_p50),
            seconds(row.duration_p95),
        )
    return table


def _last_runs(summary: UsageSummary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False, header_style='dim')
    table.add_column('last runs', no_wrap=True)
    table.add_column('outcome', no_wrap=True, min_width=8)
    table.add_column('time', no_wrap=True, min_width=6, justify='right')
    table.add_column(legend(), no_wrap=True, ratio=1)
    add_recent(table, summary.recent_runs[-_LAST_RUNS:])
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False, header_style='dim')
    table.add_column(title, ratio=1, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify='right', no_wrap=True, min_width=_WIDTHS.get(heading, 6))
    return table


def _now(count: int) -> Text:
    return Text(str(count), 'cyan') if count else Text('-', 'dim')


def _failures(outcomes: Mapping[str, int], failed: Collection[str]) -> Text:
    shown = outcome_counts(outcomes, only=failed)
    return Text(shown, 'dim' if shown == '-' else 'red')

"""The demo's live screen: the tap's usage ledger and its snapshot of what is open."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from pydantic_ai.exceptions import ModelHTTPError
from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from streamtap._demo.recent import recent_lines
from streamtap._demo.tables import agents, lines_of, models, tools
from streamtap._display.cells import wrapped
from streamtap._display.exits import in_line
from streamtap._display.grid import lay_out, left_out_of
from streamtap._display.text import dollars, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from streamtap._records.live import Live
    from streamtap._sinks.usage.summary import UsageSummary
    from streamtap._tap import Tap

WIDTH = 100
"""How wide the frame around the first lines is at most."""

_INDENT = 10
"""Cells before the last lines' text, with what it is about."""

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
        """The screen as it is now, as wide as the terminal; what does not fit its height is left out."""
        summary, live = self._tap.usage.summary(), self._tap.live()
        width, head = options.max_width, self._head(summary, live, options.max_width)
        grids = agents(summary, live), models(summary, live), tools(summary, live)
        layouts = [lay_out(grid, width) for grid in grids]
        tables = [list(lines_of(grid, layout)) for grid, layout in zip(grids, layouts, strict=True)]
        narrow = left_out_of(layouts, width)
        foot = [*([] if narrow is None else [Text(f' {narrow}', 'dim')]), *self._foot(width)]
        height = (
            console.height - len(console.render_lines(head)) - sum(len(each) + 1 for each in tables[:2]) - len(foot)
        )
        yield head
        for table in tables[:2]:
            yield from (*table, '')
        for block in (tables[2], list(recent_lines(summary.recent_runs, width))):
            if len(block) < height:
                height -= len(block) + 1
                yield from (*block, '')
        yield from foot

    def _head(self, summary: UsageSummary, live: Live, width: int) -> RenderableType:
        minutes, rest = divmod(int(time.monotonic() - self._began), 60)
        stalled = [response for response in live.responses if response.stalled]
        figures = (
            ('up', f'{minutes}:{rest:02d}', ''),
            ('runs', str(summary.total.runs), ''),
            ('in progress', str(sum(run.parent_run_id is None for run in live.runs)), 'cyan'),
            ('stalled now', str(len(stalled)), 'bold red' if stalled else ''),
            ('tokens out', '-' if summary.total.output_tokens is None else f'{summary.total.output_tokens:,}', ''),
            ('cost', dollars(summary.total.cost_usd), 'green'),
        )
        parts = [Text.assemble((f'{name} ', 'dim'), (value, f'bold {style}')) for name, value, style in figures]
        now, style = 'no stream is stalled', 'dim'
        if stalled:
            longest = max(stalled, key=lambda response: response.wait or 0.0)
            where = 'in mid-stream' if longest.stalled == 'mid_stream' else 'before its first token'
            now = f'{longest.model} has been silent for {seconds(longest.wait)} {where} ({longest.agent})'
            style = 'red'
        width = min(width, WIDTH)
        room = width - 4
        return Panel(
            Group(*_in_lines(parts, room), *(Text(line, style) for line in wrapped([now], room))),
            title='[bold]streamtap demo[/]',
            title_align='left',
            subtitle=Text(self._url, 'cyan'),
            subtitle_align='right',
            box=box.ROUNDED,
            width=width,
        )

    def _foot(self, width: int) -> Iterator[Text]:
        lines = [(PLUG_IN[0], 'plug in', ''), (PLUG_IN[1], '', ''), (self._note, 'cost', '')]
        if self._last_error:
            lines.append((self._last_error, 'failed', 'red'))
        for text, about, style in lines:
            for line in wrapped([text], width - _INDENT):
                yield Text.assemble((f' {about}'.ljust(_INDENT), 'dim'), (line, style))
                about = ''


def _in_lines(parts: Sequence[Text], room: int) -> Iterator[Text]:
    """As many parts on each line as fit."""
    line = Text()
    for part in parts:
        if line and line.cell_len + 3 + part.cell_len > room:
            yield line
            line = Text()
        line = part if not line else Text.assemble(line, '   ', part)
    yield line


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

"""Progress of runs while they stream: for a terminal, or for a custom display."""

from __future__ import annotations

import asyncio
import weakref
from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from streamtap._base.checks import check_whole
from streamtap._base.clock import SystemClock
from streamtap._delivery.sink import BaseSink
from streamtap._display.cut_off import silence_until_now
from streamtap._display.terminal import has_styles, is_terminal
from streamtap._sinks.progress.batch import Ends
from streamtap._sinks.progress.run_progress import RunProgress
from streamtap._sinks.progress.sums import Estimates, Sums

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from rich.console import Console, RenderableType
    from rich.live import Live as RichLive

    from streamtap._base.clock import Clock
    from streamtap._delivery.sink import Attachment
    from streamtap._records.live import Live, LiveResponse, LiveRun
    from streamtap._records.records import ResponseRecord, RunRecord
    from streamtap._records.starts import RunStart

MAX_ENDED = 1000
"""How many ended runs are kept for those who iterate over `updates()`."""


class Progress(BaseSink):
    """Shows how far runs have got: `progress = Progress(); tap = Tap([*default_sinks(), progress])`.

    `with progress.display(): ...` shows them on a terminal, `async for runs in progress.updates(): ...` feeds a display
    of your own, and `progress.now()` returns the current state once. It adds no work while a run streams: progress is
    computed when it is asked for.

    Args:
        clock: The clock by which runs per second are counted; for tests.
    """

    inline: ClassVar[bool] = True

    def __init__(self, *, clock: Clock | None = None) -> None:
        # Weak: whoever shows progress does not keep a tap alive.
        self._live: list[weakref.WeakMethod[Callable[[], Live]]] = []
        self._open: dict[str, Sums] = {}
        self._estimates = Estimates()
        self._ends = Ends(clock or SystemClock())
        self._ended: deque[tuple[int, RunProgress]] = deque(maxlen=MAX_ENDED)
        self._count = 0

    def attached(self, attachment: Attachment) -> None:
        """Include the runs of this tap."""
        self._live = [live for live in self._live if live() is not None]
        self._live.append(weakref.WeakMethod(attachment.live))

    def detached(self, attachment: Attachment) -> None:
        """Show the runs of this tap no more."""
        self._live = [live for live in self._live if live() not in (None, attachment.live)]

    def run_started(self, start: RunStart) -> None:
        """Begin to add up the run's responses."""
        self._open[start.run_id] = Sums(start.parent_run_id)

    def response_ended(self, record: ResponseRecord) -> None:
        """Add up the response, and learn how many tokens a chunk of its model has."""
        sums = self._open.get(record.run_id)
        if sums is not None:
            sums.add_response(record)
        while sums is not None and sums.parent is not None:
            sums = self._open.get(sums.parent)
            if sums is not None:
                sums.spend(record)
        self._estimates.learn(record)

    def run_ended(self, record: RunRecord) -> None:
        """Keep the run's final state for the next update."""
        sums = self._open.pop(record.run_id, Sums())
        self._ends.add(record)
        self._count += 1
        ended = RunProgress(
            run_id=record.run_id,
            parent_run_id=record.parent_run_id,
            agent=record.agent,
            elapsed=record.duration,
            doing='ended',
            tokens_per_second=sums.speed,
            output_tokens=record.total_output_tokens,
            cost_usd=record.total_cost_usd,
            outcome=record.outcome,
        )
        self._ended.append((self._count, ended))

    def now(self) -> tuple[RunProgress, ...]:
        """The progress of each open run, oldest first."""
        return tuple(progress for take in self._live for progress in self._of_tap(take()))

    def updates(
        self, *, every: float = 0.1, until: asyncio.Future[Any] | None = None
    ) -> AsyncIterator[tuple[RunProgress, ...]]:
        """Yield the progress of each open run repeatedly; a run that has ended appears once more, with its outcome.

        Args:
            every: Seconds between two updates. Default 0.1.
            until: A future, for instance a run's task: when it is done, the iteration ends after a last update. By
                default it never ends.
        """
        return self._updates(every, until, self._count)

    async def _updates(
        self, every: float, until: asyncio.Future[Any] | None, ended_before: int
    ) -> AsyncIterator[tuple[RunProgress, ...]]:
        while True:
            if until is None:
                await asyncio.sleep(every)
            else:
                await asyncio.wait([until], timeout=every)
            is_last = until is not None and until.done()
            now = self.now()
            count = self._count
            ended = tuple(run for number, run in list(self._ended) if ended_before < number <= count)
            ended_before = count
            yield (*ended, *now)
            if is_last:
                return

    def display(self, *, total: int | None = None, console: Console | None = None) -> RichLive:
        """A live display for a terminal: `with progress.display(): ...`.

        With a total, or after more than ten runs, its first line says how many have ended and failed, and how many end in
        a second.

        Args:
            total: How many runs there will be, without those that they call: for an estimate of the time that is left.
            console: The rich console to draw on; rich's default one if `None`.

        Raises:
            ImportError: If rich is not installed: install the extra, `streamtap[rich]`.
            TypeError: If the total is no whole number.
            ValueError: If it is below 0.
        """
        if total is not None:
            check_whole('total', total, at_least=0)
        try:
            from rich.console import Console as RichConsole
        except ImportError:
            raise ImportError('progress.display() needs rich: install the extra, streamtap[rich]') from None
        from streamtap._sinks.progress.display import Shown

        if console is None and is_terminal() and not has_styles():
            # Of NO_COLOR rich itself leaves what is bold or dim.
            console = RichConsole(color_system=None)
        drawn = self._drawn(total)
        return Shown(get_renderable=lambda: drawn, console=console, refresh_per_second=8)

    def __rich__(self) -> RenderableType:
        return self._drawn(None)

    def _drawn(self, total: int | None) -> RenderableType:
        from streamtap._sinks.progress.display import Display

        count, mark = self._count, self._ends.mark()
        return Display(
            lambda: [run for number, run in list(self._ended) if number > count],
            self.now,
            lambda open_runs: self._ends.batch(mark, open_runs, total),
        )

    def _of_tap(self, take: Callable[[], Live] | None) -> Iterator[RunProgress]:
        if take is None:
            return
        live = take()
        responses = {response.run_id: response for response in live.responses}
        tools: dict[str, list[str]] = {}
        for tool in live.tools:
            tools.setdefault(tool.run_id, []).append(tool.tool)
        written = self._written(live)
        for run in live.runs:
            known = self._known(run, tuple(tools.get(run.run_id, ())), written[run.run_id])
            response = responses.get(run.run_id)
            yield known if response is None else self._with_response(known, response)

    def _written(self, live: Live) -> Counter[str]:
        """An estimate of the tokens that each run's open responses have, with those of the runs that it called."""
        parents = {run.run_id: run.parent_run_id for run in live.runs}
        written: Counter[str] = Counter()
        for response in live.responses:
            run_id: str | None = response.run_id
            tokens = self._estimates.tokens(response)
            while run_id is not None:
                written[run_id] += tokens
                run_id = parents.get(run_id)
        return written

    def _known(self, run: LiveRun, tools: tuple[str, ...], estimated_tokens: int) -> RunProgress:
        sums = self._open.get(run.run_id, Sums())
        return RunProgress(
            run_id=run.run_id,
            parent_run_id=run.parent_run_id,
            agent=run.agent,
            elapsed=run.age,
            doing='tools' if tools else 'other',
            names=tools,
            tokens_per_second=sums.speed,
            output_tokens=sums.tokens,
            estimated_tokens=estimated_tokens,
            cost_usd=sums.cost_usd,
        )

    def _with_response(self, known: RunProgress, response: LiveResponse) -> RunProgress:
        writes = response.chunks > 0
        estimate = self._estimates.speed(response) if writes else None
        seen = 'thinking' if response.since_first_output is None else 'streaming'
        seen = 'silent' if silence_until_now(response) else seen
        return replace(
            known,
            doing=seen if writes else 'waiting' if response.streamed else 'answering',
            names=(response.model,),
            chunks=response.chunks,
            tokens_per_second=estimate if writes else known.tokens_per_second,
            is_estimate=estimate is not None,
            silent_for=response.wait,
            is_stalled=response.stalled is not None,
        )

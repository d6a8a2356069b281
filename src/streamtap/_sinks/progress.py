"""Progress of runs while they stream: for a terminal, or for a custom display."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from streamtap._delivery.sink import BaseSink
from streamtap._display.exits import isolated, short_name
from streamtap._display.text import dollars, rate, seconds
from streamtap._records.failed import FAILED_RUNS
from streamtap._records.known import sum_known

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from rich.console import Console, RenderableType
    from rich.live import Live as RichLive

    from streamtap._delivery.sink import Attachment
    from streamtap._records.live import Live, LiveResponse, LiveRun
    from streamtap._records.records import ResponseRecord, RunOutcome, RunRecord
    from streamtap._records.starts import RunStart

MAX_MODELS = 200
"""How many models' tokens per chunk are remembered."""

SHORTEST_WAIT = 0.001
"""Seconds; chunks that come closer together come out of a buffer, whose pace is not the model's."""

SHOWN = 10
"""How many open runs, and how many ended ones, a display shows."""

MAX_ENDED = 1000
"""How many ended runs are kept for those who iterate over `updates()`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run has got; print it for one line.

    Args:
        run_id: The run's id.
        parent_run_id: The id of the run that called it.
        agent: The agent's name.
        elapsed: Seconds since the run began; `None` if it has ended and nobody knows when.
        doing: What the run is doing: `waiting` for the model's first chunk, `streaming`, `answering` (waiting for a
            request that does not stream), running `tools`, `other` in between, or `ended`.
        names: The model that is being asked, or the tools that are running.
        chunks: How many chunks of the current response have arrived.
        tokens_per_second: How fast the model writes: an estimate while it streams, otherwise the speed of the run's
            finished responses; `None` where neither is known.
        is_estimate: Whether that speed is an estimate: chunks per second, times this model's tokens per chunk
            in the responses so far that have a speed.
        output_tokens: Output tokens of the finished requests, as the provider counts them, with those of runs that it
            called.
        cost_usd: Cost of the same, if known.
        silent_for: Seconds for which the model has been silent, if the run is waiting for it.
        is_stalled: Whether that is longer than the tap's `stall_after`, or `slow_start_after` before the first chunk.
        outcome: How the run ended; `None` while it is in progress.
    """

    run_id: str
    parent_run_id: str | None
    agent: str
    elapsed: float | None
    doing: Literal['waiting', 'streaming', 'answering', 'tools', 'other', 'ended']
    names: tuple[str, ...] = ()
    chunks: int = 0
    tokens_per_second: float | None = None
    is_estimate: bool = False
    output_tokens: int = 0
    cost_usd: float | None = None
    silent_for: float | None = None
    is_stalled: bool = False
    outcome: RunOutcome | None = None

    def __str__(self) -> str:
        return '  '.join([isolated(short_name(self.agent)), seconds(self.elapsed), *self.details()])

    def details(self) -> list[str]:
        """The parts of the line after agent and time."""
        names = ', '.join(isolated(short_name(name)) for name in self.names)
        about = 'about ' if self.is_estimate else ''
        speed = [] if self.tokens_per_second is None else [f'{about}{rate(self.tokens_per_second)} tokens/s']
        if self.outcome is not None:
            cost = [] if self.cost_usd is None else [dollars(self.cost_usd)]
            return [self.outcome, *speed, f'{self.output_tokens:,} tokens', *cost]
        if self.is_stalled:
            return [f'{names} has been silent for {seconds(self.silent_for)}']
        if self.doing == 'streaming':
            return [f'{names} writes', *(speed or [f'{self.chunks:,} chunks'])]
        said = {'waiting': f'waits for {names}', 'answering': f'waits for {names}', 'tools': f'runs {names}'}
        return [said.get(self.doing, '...'), *speed]


class Progress(BaseSink):
    """Shows how far runs have got: `progress = Progress(); tap = Tap([*default_sinks(), progress])`.

    `with progress.display(): ...` shows them on a terminal, `async for runs in progress.updates(): ...` feeds a display
    of your own, and `progress.now()` returns the current state once. It adds no work while a run streams: progress is
    computed when it is asked for.
    """

    inline: ClassVar[bool] = True

    def __init__(self) -> None:
        # Weak: whoever shows progress does not keep a tap alive.
        self._live: list[weakref.WeakMethod[Callable[[], Live]]] = []
        self._open: dict[str, _Sums] = {}
        self._of_models: dict[tuple[str, str], _Sums] = {}
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
        self._open[start.run_id] = _Sums(start.parent_run_id)

    def response_ended(self, record: ResponseRecord) -> None:
        """Add up the response, and learn how many tokens a chunk of its model has."""
        sums = self._open.get(record.run_id)
        if sums is not None:
            sums.add_response(record)
        while sums is not None and sums.parent is not None:
            sums = self._open.get(sums.parent)
            if sums is not None:
                sums.spend(record)
        key = record.provider, record.model
        if record.output_tokens_per_second and (key in self._of_models or len(self._of_models) < MAX_MODELS):
            self._of_models.setdefault(key, _Sums()).add_response(record)

    def run_ended(self, record: RunRecord) -> None:
        """Keep the run's final state for the next update."""
        sums = self._open.pop(record.run_id, _Sums())
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

    def display(self, *, console: Console | None = None) -> RichLive:
        """A live display for a terminal: `with progress.display(): ...`.

        Args:
            console: The rich console to draw on; rich's default one if `None`.

        Raises:
            ImportError: If rich is not installed: install the extra, `streamtap[rich]`.
        """
        try:
            from rich.live import Live as RichLive
        except ImportError as error:
            raise ImportError('progress.display() needs rich: install the extra, streamtap[rich]') from error
        since = self._count
        return RichLive(get_renderable=lambda: self._lines(since), console=console, refresh_per_second=8)

    def __rich__(self) -> RenderableType:
        return self._lines(self._count)

    def _lines(self, since: int) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        now = self.now()
        table = Table.grid(padding=(0, 2))
        ended = [run for number, run in list(self._ended) if number > since]
        for run in (*ended[-SHOWN:], *now[:SHOWN]):
            style = 'red' if run.is_stalled or run.outcome in FAILED_RUNS else 'dim' if run.outcome else ''
            table.add_row(
                Text(isolated(short_name(run.agent)), 'bold'),
                Text(seconds(run.elapsed)),
                Text('  '.join(run.details()), style),
            )
        return table

    def _of_tap(self, take: Callable[[], Live] | None) -> Iterator[RunProgress]:
        if take is None:
            return
        live = take()
        responses = {response.run_id: response for response in live.responses}
        tools: dict[str, list[str]] = {}
        for tool in live.tools:
            tools.setdefault(tool.run_id, []).append(tool.tool)
        for run in live.runs:
            yield self._progress(run, responses.get(run.run_id), tuple(tools.get(run.run_id, ())))

    def _progress(self, run: LiveRun, response: LiveResponse | None, tools: tuple[str, ...]) -> RunProgress:
        sums = self._open.get(run.run_id, _Sums())
        known = RunProgress(
            run_id=run.run_id,
            parent_run_id=run.parent_run_id,
            agent=run.agent,
            elapsed=run.age,
            doing='tools' if tools else 'other',
            names=tools,
            tokens_per_second=sums.speed,
            output_tokens=sums.tokens,
            cost_usd=sums.cost_usd,
        )
        return known if response is None else self._with_response(known, response)

    def _with_response(self, known: RunProgress, response: LiveResponse) -> RunProgress:
        of_model = self._of_models.get((response.provider, response.model))
        estimate = None
        if of_model is not None and response.window and response.window >= SHORTEST_WAIT * (response.chunks - 1):
            estimate = (response.chunks - 1) / response.window * of_model.tokens_per_chunk
        writes = response.chunks > 0
        return replace(
            known,
            doing='streaming' if writes else 'waiting' if response.streamed else 'answering',
            names=(response.model,),
            chunks=response.chunks,
            tokens_per_second=(estimate or None) if writes else known.tokens_per_second,
            is_estimate=bool(estimate),
            silent_for=response.wait,
            is_stalled=response.stalled is not None,
        )


class _Sums:
    """Sums over finished responses."""

    def __init__(self, parent: str | None = None) -> None:
        self.parent = parent
        self.tokens = 0
        self.cost_usd: float | None = None
        self._written_tokens = 0.0
        self._writing_seconds = 0.0
        self._chunks = 0

    def spend(self, record: ResponseRecord) -> None:
        """Add what a response used, also one of a run that this one called."""
        self.tokens += record.output_tokens or 0
        self.cost_usd = sum_known(self.cost_usd, record.cost_usd)

    def add_response(self, record: ResponseRecord) -> None:
        """Add a response of its own, and its speed."""
        self.spend(record)
        if record.output_tokens_per_second and record.inter_chunk_latency_sum:
            self._written_tokens += record.output_tokens_per_second * record.inter_chunk_latency_sum
            self._writing_seconds += record.inter_chunk_latency_sum
            self._chunks += record.chunks - 1

    @property
    def speed(self) -> float | None:
        """Output tokens per second over the responses whose speed is known, each for as long as it was being written."""
        return self._written_tokens / self._writing_seconds if self._writing_seconds else None

    @property
    def tokens_per_chunk(self) -> float:
        """How many tokens a chunk had, over the responses whose speed is known."""
        return self._written_tokens / self._chunks if self._chunks else 0.0

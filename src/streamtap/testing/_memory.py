"""A sink that remembers, and taps that fill one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ClassVar

from streamtap._delivery.sink import BaseSink
from streamtap._display.text import plural
from streamtap._sinks.usage.ledger import UsageSink
from streamtap._tap import Tap
from streamtap.testing._text import report

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from streamtap._base.clock import Clock
    from streamtap._records.faults import Fault
    from streamtap._records.records import (
        ResponseRecord,
        RunRecord,
        ToolRecord,
    )
    from streamtap._records.starts import ResponseStart, RunStart, ToolStart
    from streamtap._runs.objectives import Objectives
    from streamtap._runs.price import Price
    from streamtap._sinks.usage.figures import RunsUsage


class MemorySink(BaseSink):
    """Keeps every start and record that it receives, in order; only for tests, as it grows without bound."""

    inline: ClassVar[bool] = True

    def __init__(self) -> None:
        self.moments: list[tuple[str, object]] = []
        """Every start and record, with the name of the sink's method that received it."""
        self.runs: list[RunRecord] = []
        """The runs that ended."""
        self.responses: list[ResponseRecord] = []
        """The responses that arrived, and the requests that failed."""
        self.tools: list[ToolRecord] = []
        """The tool calls that ended."""
        self.faults: list[Fault] = []
        """What the tap itself failed at or dropped."""

    def run_started(self, start: RunStart) -> None:
        """Remember that a run began."""
        self.moments.append(('run_started', start))

    def run_ended(self, record: RunRecord) -> None:
        """Remember a run."""
        self.moments.append(('run_ended', record))
        self.runs.append(record)

    def response_started(self, start: ResponseStart) -> None:
        """Remember that a request began."""
        self.moments.append(('response_started', start))

    def response_ended(self, record: ResponseRecord) -> None:
        """Remember a response."""
        self.moments.append(('response_ended', record))
        self.responses.append(record)

    def tool_started(self, start: ToolStart) -> None:
        """Remember that a tool was called."""
        self.moments.append(('tool_started', start))

    def tool_ended(self, record: ToolRecord) -> None:
        """Remember a tool call."""
        self.moments.append(('tool_ended', record))
        self.tools.append(record)

    def faulted(self, fault: Fault) -> None:
        """Remember a fault."""
        self.faults.append(fault)


class Capture:
    """A tap, and what it has recorded so far; print it to see that.

    Each method first makes the tap report the runs that are over.

    Args:
        tap: The tap to plug in.
        memory: The sink it fills.
    """

    def __init__(self, tap: Tap, memory: MemorySink) -> None:
        self.tap = tap
        self._memory = memory

    def run(self) -> RunRecord:
        """The only run that ended.

        Raises:
            LookupError: If there is none, or more than one.
        """
        runs = self.runs()
        if len(runs) != 1:
            raise LookupError(f'{len(runs)} runs ended, not one:\n{self}')
        return runs[0]

    def runs(self) -> list[RunRecord]:
        """The runs that ended, in order."""
        return self._seen().runs

    def responses(self) -> list[ResponseRecord]:
        """The responses that arrived and the requests that failed, in order."""
        return self._seen().responses

    def tools(self) -> list[ToolRecord]:
        """The tool calls that ended, in order."""
        return self._seen().tools

    def total(self) -> RunsUsage:
        """Requests, tokens, cost, tool calls and outcomes of all runs together."""
        seen, usage = self._seen(), UsageSink()
        for response in seen.responses:
            usage.response_ended(response)
        for tool in seen.tools:
            usage.tool_ended(tool)
        for run in seen.runs:
            usage.run_ended(run)
        return usage.summary().total

    def faults(self) -> list[Fault]:
        """What the tap itself failed at or dropped; should be empty."""
        return self._seen().faults

    def moments(self) -> list[tuple[str, object]]:
        """Every start and record in order, with the name of the sink's method that received it."""
        return self._seen().moments

    def __repr__(self) -> str:
        """A short form, for pytest's explanation of a failed assertion."""
        return f'<Capture of {plural(len(self._memory.runs), "run")}>'

    def __str__(self) -> str:
        """What was measured, run by run."""
        memory = self._seen()
        return report(memory.moments, memory.faults)

    def _seen(self) -> MemorySink:
        self.tap.flush()
        return self._memory


@contextlib.contextmanager
def capture(
    *,
    labels: Iterable[str] = (),
    price: Price | None = None,
    objective: Objectives | None = None,
    stall_after: float = 5.0,
    slow_start_after: float = 30.0,
    settle_after: float = 30.0,
    clock: Clock | None = None,
) -> Generator[Capture]:
    """A tap that keeps its records in memory, for a `with` block; it touches no Prometheus registry.

    It measures even where `STREAMTAP_DISABLED` switches off the taps of the code under test. The arguments are those of
    `Tap`.

    ```python
    with capture() as seen:
        await agent.run('hello', event_stream_handler=seen.tap)
    assert [run.outcome for run in seen.runs()] == ['success']
    ```
    """
    memory = MemorySink()
    tap = Tap(
        [memory, UsageSink()],
        labels=labels,
        price=price,
        objective=objective,
        stall_after=stall_after,
        slow_start_after=slow_start_after,
        settle_after=settle_after,
        clock=clock,
        enabled=True,
    )
    with tap:
        yield Capture(tap, memory)


@contextlib.contextmanager
def capture_of(tap: Tap) -> Generator[Capture]:
    """Capture what an existing tap, of the code under test, records during a `with` block, on that tap's own clock.

    The tap keeps doing everything else that it does.

    ```python
    with capture_of(app.tap) as seen:
        await app.answer('hello')
    assert [tool.tool for tool in seen.tools()] == ['search']
    ```

    Args:
        tap: The tap.

    Raises:
        ValueError: If the tap is switched off, as by `STREAMTAP_DISABLED`: it records nothing.
    """
    if not tap.enabled:
        raise ValueError('this tap is switched off: unset STREAMTAP_DISABLED before it is made, or pass enabled=True')
    memory = MemorySink()
    # Runs that are over by now are not part of the capture.
    tap.flush()
    tap.add_sink(memory)
    try:
        yield Capture(tap, memory)
    finally:
        tap.flush()
        tap.remove_sink(memory)

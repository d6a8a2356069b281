"""What receives the measurements: the protocol of a sink, and a base class that does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from streamtap._base.checks import check_not_async

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamtap._records.faults import Fault, LoopLag
    from streamtap._records.live import Live
    from streamtap._records.records import (
        ResponseRecord,
        RunRecord,
        ToolRecord,
    )
    from streamtap._records.starts import ResponseStart, RunStart, ToolStart


MOMENTS = ('run_started', 'run_ended', 'response_started', 'response_ended', 'tool_started', 'tool_ended')

OPTIONAL_MOMENTS = ('faulted', 'loop_lagged', 'detached')
"""Moments whose method a sink may lack."""


@dataclass(frozen=True)
class Attachment:
    """What a tap passes to a sink that is attached to it.

    Args:
        labels: The names of the user's own dimensions, in order.
        max_label_values: How many distinct values a label may have before new ones become `_other`.
        live: Returns a snapshot of what is open now.
        catch_up: Makes the tap find and report the runs that are over; call it before you show what the sink holds.
            It collects the young garbage, which takes up to a millisecond.
        pydantic_ai_version: The version of pydantic-ai that is installed.
        service_version: The version of the user's service; '' if it is not known.
    """

    labels: tuple[str, ...]
    max_label_values: int
    live: Callable[[], Live]
    catch_up: Callable[[], None]
    pydantic_ai_version: str = ''
    service_version: str = ''


@runtime_checkable
class Sink(Protocol):
    """Is called at each moment of a run; subclass `BaseSink` to implement only some methods.

    The calls come in the order in which things happened, and never per chunk.
    Whatever a sink raises is caught, logged once per kind and counted.
    """

    def run_started(self, start: RunStart) -> None:
        """A run began."""

    def run_ended(self, record: RunRecord) -> None:
        """A run ended, whatever its outcome."""

    def response_started(self, start: ResponseStart) -> None:
        """A request to a model began."""

    def response_ended(self, record: ResponseRecord) -> None:
        """A response arrived, or its request failed."""

    def tool_started(self, start: ToolStart) -> None:
        """A function or output tool was called."""

    def tool_ended(self, record: ToolRecord) -> None:
        """A tool call ended, or was refused."""


class BaseSink:
    """A sink that ignores everything; override the methods you want.

    A sink may block (write a file, call a service): unless it sets `inline = True`, it runs on the tap's own worker
    thread behind a bounded queue, and what does not fit is dropped and counted.
    """

    inline: ClassVar[bool] = False
    """Whether the sink only touches memory, and so may run inside the agent's own task."""

    def attached(self, attachment: Attachment) -> None:
        """The sink was attached to a tap; called before anything else, and again if the tap is used after `close()`."""

    def detached(self, attachment: Attachment) -> None:
        """The sink was removed from the tap, or the tap was closed: release what it holds.

        Nothing more comes, but perhaps word of a fault, until it is attached again.
        """

    def run_started(self, start: RunStart) -> None:
        """A run began."""

    def run_ended(self, record: RunRecord) -> None:
        """A run ended, whatever its outcome."""

    def response_started(self, start: ResponseStart) -> None:
        """A request to a model began."""

    def response_ended(self, record: ResponseRecord) -> None:
        """A response arrived, or its request failed."""

    def tool_started(self, start: ToolStart) -> None:
        """A function or output tool was called."""

    def tool_ended(self, record: ToolRecord) -> None:
        """A tool call ended, or was refused."""

    def loop_lagged(self, lag: LoopLag) -> None:
        """The lag of an event loop was measured; only called with `Tap(loop_lag_every=...)`."""

    def faulted(self, fault: Fault) -> None:
        """The tap swallowed an error of its own, or dropped something at a cap."""


def checked_sinks(sinks: Iterable[Sink]) -> tuple[Sink, ...]:
    """The sinks, validated."""
    if isinstance(sinks, BaseSink):
        raise TypeError(f'sinks must be a list: pass [{type(sinks).__name__}(...)] instead of a single sink')
    chosen = tuple(sinks)
    for sink in chosen:
        check_sink(sink)
    twice = next((sink for place, sink in enumerate(chosen) if any(sink is other for other in chosen[:place])), None)
    if twice is not None:
        raise ValueError(f'sinks has the same {type(twice).__name__} twice: it would count everything twice')
    return chosen


def check_sink(sink: object) -> None:
    """Reject anything but a sink."""
    if isinstance(sink, type):
        raise TypeError(f'sinks must be instances: pass {sink.__name__}() instead of the class {sink.__name__}')
    missing = [moment for moment in MOMENTS if not callable(getattr(sink, moment, None))]
    if missing:
        raise TypeError(
            f'{sink!r} is not a sink: it lacks {", ".join(missing)}; subclass streamtap.BaseSink to implement only some'
        )
    for moment in (*MOMENTS, *OPTIONAL_MOMENTS):
        check_not_async(f'{type(sink).__name__}.{moment}', getattr(sink, moment, None))

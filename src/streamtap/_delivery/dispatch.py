"""Passes records to the sinks; what a sink raises is caught, logged once per kind, and counted."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING, TypeAlias

from streamtap._base.forks import tell_forks
from streamtap._base.names import clean
from streamtap._base.places import place_of
from streamtap._delivery import redaction
from streamtap._delivery.guard import ends_process
from streamtap._delivery.redaction import REDACTED, Redaction
from streamtap._delivery.sink import MOMENTS, OPTIONAL_MOMENTS, BaseSink
from streamtap._delivery.worker import Worker
from streamtap._records.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamtap._delivery.redaction import Redact
    from streamtap._delivery.sink import Attachment, Sink

    Calls: TypeAlias = tuple[tuple[str, Callable[[object], None]], ...]
    from streamtap._records.faults import LoopLag
    from streamtap._records.records import (
        ResponseRecord,
        RunRecord,
        ToolRecord,
    )
    from streamtap._records.starts import ResponseStart, RunStart, ToolStart

logger = logging.getLogger('streamtap')

MAX_KINDS_LOGGED = 1000


class Dispatch:
    """Passes each moment to every sink; never raises.

    Sinks that only touch memory are called inline, all others on one worker thread.

    Args:
        sinks: The sinks, in the order in which they are called.
        include_content: Whether logged errors may show their message, which can carry content.
        redact: The user's own replacement for names; `None` for no replacement.
    """

    def __init__(self, sinks: Sequence[Sink], *, include_content: bool, redact: Redact | None = None) -> None:
        self._include_content = include_content
        self.redact = Redaction(redact, self)
        """Replaces names that say too much: here, and wherever a record is made."""
        self._logged: set[tuple[str, str]] = set()
        self._lock = threading.RLock()
        self._worker: Worker | None = None
        self._held: Callable[[], Attachment | None] = lambda: None
        self._is_detached = False
        self._is_inherited = False
        self._set_sinks(tuple(sinks))
        tell_forks(self)

    def forked(self) -> None:
        """Replace the lock, which a thread of the parent may have held; what is attached is the parent's."""
        self._lock = threading.RLock()
        self._is_inherited = True

    @property
    def sinks(self) -> tuple[Sink, ...]:
        """The sinks, in the order in which they are called."""
        return self._sinks

    def attach(self, attachment: Attachment) -> None:
        """Attach each sink to the tap; what a sink raises here reaches the user, who is creating the tap."""
        # Weak: the worker thread holds this object, and must not keep the tap.
        self._held = weakref.ref(attachment)
        for sink in self._sinks:
            _attach(sink, attachment)

    def add(self, sink: Sink, attachment: Attachment) -> None:
        """Add a sink; it is called after the others."""
        if any(sink is other for other in self._sinks):
            raise ValueError(f'the tap has this {type(sink).__name__} already: it would count everything twice')
        if self._is_detached:
            self._attach_again()
        _attach(sink, attachment)
        with self._lock:
            self._set_sinks((*self._sinks, sink))

    def remove(self, sink: Sink, timeout: float) -> None:
        """Remove a sink, and detach it when it has received what happened before."""
        with self._lock:
            rest = tuple(other for other in self._sinks if other is not sink)
            if len(rest) == len(self._sinks):
                return
            self._set_sinks(rest)
        attachment = self._held()
        if attachment is not None and not self._is_detached:
            self._hand_over('detached', attachment, *_calls_of((sink,), 'detached'))
        if not _is_inline(sink):
            self.flush(timeout)

    def run_started(self, start: RunStart) -> None:
        """A run began."""
        self._send('run_started', start)

    def run_ended(self, record: RunRecord) -> None:
        """A run ended."""
        self._send('run_ended', record)

    def response_started(self, start: ResponseStart) -> None:
        """A request began."""
        self._send('response_started', start)

    def response_ended(self, record: ResponseRecord) -> None:
        """A response came, or its request failed."""
        self._send('response_ended', record)

    def tool_started(self, start: ToolStart) -> None:
        """A tool call began."""
        self._send('tool_started', start)

    def tool_ended(self, record: ToolRecord) -> None:
        """A tool call ended."""
        self._send('tool_ended', record)

    def loop_lagged(self, lag: LoopLag) -> None:
        """An event loop came late, or in time."""
        self._send('loop_lagged', lag)

    def dropped(self, what: str, count: int = 1) -> None:
        """Something was dropped at a cap."""
        self._send('faulted', Fault('dropped', what, count))

    def failed(self, where: str, error: BaseException) -> None:
        """A part of the tap, or a sink, raised: log each kind once, count it, and continue."""
        kind = (where, type(error).__name__)
        with self._lock:
            first = kind not in self._logged and len(self._logged) < MAX_KINDS_LOGGED
            if first:
                self._logged.add(kind)
        if first:
            self._log(where, error)
        self._send('faulted', Fault('error', where))

    def flush(self, timeout: float) -> bool:
        """Wait until the worker has delivered everything; whether it did within `timeout` seconds."""
        return self._worker is None or self._worker.flush(timeout)

    def close(self, timeout: float) -> None:
        """Flush, detach the sinks, and stop the worker; what happens afterwards attaches them again.

        In a process that was forked and delivered nothing the sinks stay as they are: they are the parent's.
        """
        has_kept_up = self.flush(timeout)
        with self._lock:
            attachment = self._held()
            if attachment is not None and not self._is_detached and not self._is_inherited:
                self._is_detached = True
                self._hand_over('detached', attachment, *self._calls['detached'])
        if self._worker is not None:
            self._worker.close(timeout if has_kept_up else 0.0)

    def _set_sinks(self, sinks: tuple[Sink, ...]) -> None:
        if self._worker is None and not all(map(_is_inline, sinks)):
            self._worker = Worker(self._call, self.dropped)
        self._sinks = sinks
        self._calls = {moment: _calls_of(sinks, moment) for moment in (*MOMENTS, *OPTIONAL_MOMENTS)}

    def _send(self, moment: str, fact: object) -> None:
        self._is_inherited = False
        if self._is_detached and moment != 'faulted':
            self._attach_again()
        self._hand_over(moment, fact, *self._calls[moment])

    def _hand_over(self, moment: str, fact: object, inline: Calls, queued: Calls) -> None:
        for where, call in inline:
            self._call(where, call, fact, moment)
        if self._worker is not None:
            for where, call in queued:
                self._worker.put(where, call, fact, moment)

    def _attach_again(self) -> None:
        """The tap is used again after it was closed."""
        with self._lock:
            if not self._is_detached:
                return
            self._is_detached = False
            attachment = self._held()
            if attachment is not None:
                # As they were detached: in their turn on the worker thread, unless they are inline.
                self._hand_over('attached', attachment, *_calls_of(self._sinks, 'attached'))

    def _call(self, where: str, call: Callable[[object], None], fact: object, moment: str) -> None:
        try:
            call(fact)
        except BaseException as error:
            if ends_process(error):
                raise
            # A sink that raises in `faulted` does not get that failure as another fault.
            if moment != 'faulted':
                self.failed(where, error)

    def _log(self, where: str, error: BaseException) -> None:
        try:
            # What it raises itself cannot be shown to it.
            name = REDACTED if where == redaction.WHERE else self.redact('error_type', clean(type(error).__name__))
            message = (
                'streamtap: %s failed with %s%s; the run continues, further failures of this kind are only counted'
            )
            logger.warning(message, where, name, place_of(error), exc_info=error if self._include_content else None)
        except Exception:
            pass


def _attach(sink: Sink, attachment: Attachment) -> None:
    attached = getattr(sink, 'attached', None)
    if attached is not None:
        attached(attachment)


def _is_inline(sink: Sink) -> bool:
    return bool(getattr(sink, 'inline', False))


def _calls_of(sinks: Sequence[Sink], moment: str) -> tuple[Calls, Calls]:
    """The methods to call at a moment, inline ones and those on the worker thread.

    A sink that inherits the empty method of `BaseSink` is skipped.
    """
    ignored = getattr(BaseSink, moment)
    found = [
        (_is_inline(sink), (clean(type(sink).__name__), call))
        for sink in sinks
        if (call := getattr(sink, moment, None)) is not None and getattr(call, '__func__', None) is not ignored
    ]
    return tuple(call for inline, call in found if inline), tuple(call for inline, call in found if not inline)

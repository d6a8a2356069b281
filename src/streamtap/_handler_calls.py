"""One call of the handler: when it begins, and what is known when it is over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from streamtap import _upstream
from streamtap._guard import guarded
from streamtap._tool_events import ToolEvents

if TYPE_CHECKING:
    from streamtap._beside import BesideEvents
    from streamtap._endings import Watched
    from streamtap._response_record import Request
    from streamtap._surroundings import Surroundings

logger = logging.getLogger('streamtap')

WHERE = 'handler'

LONGEST_WAIT = 600.0
"""Seconds that a model can have been silent before the handler is called; more is a step of the wall clock."""

LONGEST_PREPARATION = 60.0
"""Seconds that instructions and the like can have taken before the handler is called."""


class HandlerCalls:
    """What every call of the handler begins and ends with. No failure in here leaves it, but for `asked_at`, which its callers guard.

    Args:
        around: What all runs share.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._out = around.out
        self._said_truncated = False

    def asked_at(self, ctx: object, now: float, at_most: float) -> float | None:
        """When the request that is being answered was made; `None` if a step of the wall clock makes it a nonsense."""
        asked = _upstream.request_unix_time(ctx)
        moment = None if asked is None else self._around.moments.to_monotonic(asked)
        return moment if moment is not None and now - at_most <= moment <= now else None

    def begin_response(self, watched: Watched, ctx: object, events: object, entered: float) -> Request | None:
        """A call for a model's response begins: its request starts now, or started before if the stream was primed."""
        with guarded(self._out, WHERE):
            watched.step += 1
            started: float | None = entered
            if _upstream.is_primed(ctx, events):
                started = self.asked_at(ctx, entered, LONGEST_WAIT)
            return watched.run.begin_request(
                step=watched.step,
                model=_upstream.model_of(ctx),
                mode='streamed',
                started=started,
                messages=_upstream.messages_of(ctx),
            )
        return None

    def response_over(
        self,
        watched: Watched,
        request: Request | None,
        ctx: object,
        events: object,
        error: BaseException | None,
        shown: BesideEvents | None = None,
    ) -> None:
        """The call is over; `error` is what left it, `shown` what a handler of the user's read it through."""
        with guarded(self._out, WHERE):
            if error is not None:
                _raised(watched, error, ctx)
            else:
                watched.outcome, watched.error_type = 'incomplete', None
            if request is None:
                return
            now = self._around.clock.monotonic()
            request.response = _upstream.streamed_response(events)
            if shown is not None and error is not shown.failure:
                # What the user's handler raises is no failure of the stream, and what it swallows is one.
                stopped = None if shown.was_exhausted else asyncio.CancelledError()
                error = shown.failure if shown.failure is not None else stopped
            if error is not None:
                outcome = _upstream.request_outcome(error, ctx)
            elif request.response is None and request.meter.ended_at_final_result:
                outcome = 'incomplete'
                self._say_truncated()
            else:
                outcome = 'success'
            watched.run.request_over(request, outcome, error=error, now=now)

    def begin_tools(self, watched: Watched) -> ToolEvents | None:
        """A call for a round of tools begins: the response that asked for them is complete."""
        with guarded(self._out, WHERE):
            watched.run.settle()
            return ToolEvents(watched.run, step=watched.step)
        return None

    def tools_over(
        self, watched: Watched, tools: ToolEvents | None, ctx: object, error: BaseException | None, waited_from: float
    ) -> None:
        """The round is over; `waited_from` is when its last event was asked for."""
        with guarded(self._out, WHERE):
            if error is not None:
                _raised(watched, error, ctx)
                if tools is not None:
                    tools.broke(error, waited_from, self._around.clock.monotonic())
            elif tools is not None:
                tools.over()
                watched.outcome, watched.error_type = tools.ending, None

    def _say_truncated(self) -> None:
        if not self._said_truncated:
            self._said_truncated = True
            with contextlib.suppress(Exception):
                logger.warning(
                    'streamtap: run_stream() gives its handler no event after the final result, so what follows is not '
                    'measured; attach the tap with capabilities=[tap.capability()] to measure it whole'
                )


def _raised(watched: Watched, error: BaseException, ctx: object) -> None:
    watched.outcome, watched.error_type = _upstream.run_ending(error, ctx)

"""The capability door: `capabilities=[tap.capability()]`. Its hooks see each run, request and tool call end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic_ai.capabilities import AbstractCapability, CapabilityOrdering

from streamtap._upstream.versions import HAS_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

    from pydantic_ai import RunContext
    from pydantic_ai.messages import AgentStreamEvent, ModelResponse, ToolCallPart
    from pydantic_ai.models import ModelRequestContext
    from pydantic_ai.run import AgentRunResult
    from pydantic_ai.tools import ToolDefinition

    from streamtap._doors.capability.door import CapabilityDoor
    from streamtap._doors.capability.run import CapabilityRun


class TapCapability(AbstractCapability[Any]):
    """Measures every run of the agents it is given to; created by `Tap.capability()`.

    It is the innermost capability, so that it times the model and the tools, not other capabilities.

    Args:
        door: The tap's side of the door; `None` if the tap is disabled.
        stream: Whether to make runs stream that otherwise would not, so that they have a time to first token.
        tap: The tap, held so that it lives as long as an agent has its capability.
    """

    _safe_at_runtime: ClassVar[bool] = True
    """What durable engines ask of a run's own capabilities: it brings no tools, and changes no model."""

    def __init__(self, door: CapabilityDoor | None, *, stream: bool, tap: object) -> None:
        self._door = door
        self._tap = tap
        self._stream = stream and door is not None

    @classmethod
    def get_serialization_name(cls) -> str | None:
        """No name: a tap is a live object and cannot be built from a spec."""
        return None

    @property
    def has_wrap_run_event_stream(self) -> bool:
        """Whether pydantic-ai makes runs stream for `wrap_run_event_stream`: only if that was asked for."""
        return self._stream

    def _realtime_uncalled_hooks(self) -> tuple[str, ...]:
        # A realtime session calls the run and tool hooks, which are all that measuring it takes: nothing to warn about.
        return ()

    def get_ordering(self) -> CapabilityOrdering:
        """Innermost."""
        return CapabilityOrdering(position='innermost')

    async def for_run(self, ctx: RunContext[Any]) -> TapCapability:
        """The same object for every run: for a copy, pydantic-ai would ask again which model the run is to use.

        Where it may not serve the run, the run gets another one, which does nothing.
        """
        if self._door is None or self._door.enter(ctx):
            return self
        return TapCapability(None, stream=False, tap=self._tap)

    def _serve_as(self, other: TapCapability) -> None:
        self._door, self._tap, self._stream = other._door, other._tap, other._stream

    def _run(self, ctx: RunContext[Any]) -> CapabilityRun | None:
        return None if self._door is None else self._door.get(ctx)

    async def wrap_run(
        self, ctx: RunContext[Any], *, handler: Callable[[], Awaitable[AgentRunResult[Any]]]
    ) -> AgentRunResult[Any]:
        """Measure the run from here to its end, whatever the outcome."""
        run = None if self._door is None else self._door.open(ctx)
        if run is None:
            return await handler()
        try:
            with run.current():
                result = await handler()
        except BaseException as error:
            run.raised(ctx, error)
            raise
        run.returned(ctx, result)
        return result

    async def wrap_model_request(
        self,
        ctx: RunContext[Any],
        *,
        request_context: ModelRequestContext,
        handler: Callable[[ModelRequestContext], Awaitable[ModelResponse]],
    ) -> ModelResponse:
        """Record the response or the failure of the request."""
        run = self._run(ctx)
        if run is None:
            return await handler(request_context)
        run.step_began()
        if not HAS_ATTEMPTS:
            run.attempt_began(ctx, request_context)
        try:
            response = await handler(request_context)
        except BaseException as error:
            run.request_raised(ctx, error)
            raise
        run.request_answered(response)
        return response

    async def prepare_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        """Record the start of an attempt: this is the last hook before it is sent."""
        if (run := self._run(ctx)) is not None:
            run.attempt_began(ctx, request_context)
        return request_context

    async def after_model_request(
        self, ctx: RunContext[Any], *, request_context: ModelRequestContext, response: ModelResponse
    ) -> ModelResponse:
        """Record the answer to an attempt: this is the first hook after it."""
        if (run := self._run(ctx)) is not None:
            run.attempt_answered(response)
        return response

    async def wrap_run_event_stream(
        self, ctx: RunContext[Any], *, stream: AsyncIterable[AgentStreamEvent]
    ) -> AsyncIterator[AgentStreamEvent]:
        """Time the wait for each event of a stream that is being consumed."""
        run = self._run(ctx)
        try:
            if run is None:
                async for event in stream:
                    yield event
                return
            monotonic = run.monotonic
            observer, over = run.observe(ctx, stream)
            read, waiting = observer.read, observer.waiting
            waited_from = monotonic()
            try:
                async for event in stream:
                    now = monotonic()
                    read(event, waited_from, now)
                    yield event
                    waited_from = monotonic()
                    waiting(now, waited_from)
            except BaseException as error:
                over(error)
                raise
            over(None)
        finally:
            close = getattr(stream, 'aclose', None)
            if close is not None:
                await close()

    async def wrap_tool_execute(
        self,
        ctx: RunContext[Any],
        *,
        call: ToolCallPart,
        tool_def: ToolDefinition,
        args: dict[str, Any],
        handler: Callable[[dict[str, Any]], Awaitable[Any]],
    ) -> Any:
        """Time the tool itself; a run that it starts is nested inside it."""
        run = self._run(ctx)
        if run is None:
            return await handler(args)
        with run.tool(ctx, call) as returned:
            result = await handler(args)
            returned(result)
            return result

    async def wrap_output_validate(
        self,
        ctx: RunContext[Any],
        *,
        output_context: Any,
        output: Any,
        handler: Callable[[Any], Awaitable[Any]],
    ) -> Any:
        """Time the validation of an output tool's arguments, and the output function likewise."""
        with self._output(ctx, output_context):
            return await handler(output)

    wrap_output_process = wrap_output_validate

    def _output(self, ctx: RunContext[Any], output_context: object) -> contextlib.AbstractContextManager[None]:
        run = self._run(ctx)
        return contextlib.nullcontext() if run is None else run.output(ctx, output_context)

"""A model that does what a run's plan says, and writes down what it did."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import Model, StreamedResponse
from pydantic_ai.usage import RequestUsage

from soak.run_log import SUCCESS, end_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from pydantic_ai import RunContext
    from pydantic_ai.messages import ModelMessage, ModelResponseStreamEvent
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

    from soak.plan import Reply
    from soak.run_log import Asked, RunLog

PROVIDER = 'soak'
ARGUMENTS = json.dumps({})


class ScriptedModel(Model[Any]):
    """The model of one run.

    Args:
        run_log: The run, with its plan.
    """

    def __init__(self, run_log: RunLog) -> None:
        super().__init__()
        self._run_log = run_log

    @property
    def model_name(self) -> str:
        return self._run_log.plan.model

    @property
    def system(self) -> str:
        return PROVIDER

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        asked = self._run_log.ask(streamed=False)
        reply = asked.reply
        try:
            for _ in range(reply.chunks + len(reply.calls)):
                await asyncio.sleep(0)
            if reply.failure is not None:
                raise failure(reply, self.model_name)
        except BaseException as error:
            self._run_log.answered(asked, end_of(error))
            raise
        parts = [TextPart('word ' * reply.chunks)] if reply.chunks else []
        calls = [
            ToolCallPart(tool, ARGUMENTS, tool_call_id=self._run_log.call_id(asked, place))
            for place, tool in enumerate(reply.calls)
        ]
        self._run_log.answered(asked, SUCCESS)
        return ModelResponse(
            parts=[*parts, *calls], usage=usage(reply), model_name=self._run_log.reported, provider_name=PROVIDER
        )

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        yield ScriptedResponse(model_request_parameters, self._run_log, self._run_log.ask(streamed=True))


@dataclass
class ScriptedResponse(StreamedResponse):
    """One streamed reply."""

    run_log: RunLog
    asked: Asked
    _timestamp: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        asked, reply = self.asked, self.asked.reply
        try:
            for chunk in range(reply.chunks):
                await asyncio.sleep(0)
                if reply.failure is not None and reply.failure.after_chunks == chunk:
                    raise failure(reply, self.run_log.plan.model)
                for event in self._parts_manager.handle_text_delta(vendor_part_id='text', content='word '):
                    asked.chunks += 1
                    yield event
            if reply.failure is not None:
                raise failure(reply, self.run_log.plan.model)
            for place, tool in enumerate(reply.calls):
                await asyncio.sleep(0)
                asked.chunks += 1
                yield self._parts_manager.handle_tool_call_part(
                    vendor_part_id=place,
                    tool_name=tool,
                    args=ARGUMENTS,
                    tool_call_id=self.run_log.call_id(asked, place),
                )
        except BaseException as error:
            self.run_log.answered(asked, end_of(error))
            raise
        self._usage = usage(reply)
        self.run_log.answered(asked, SUCCESS)

    @property
    def model_name(self) -> str:
        return self.run_log.reported

    @property
    def provider_name(self) -> str:
        return PROVIDER

    @property
    def provider_url(self) -> str | None:
        return None

    @property
    def timestamp(self) -> datetime:
        return self._timestamp


def usage(reply: Reply) -> RequestUsage:
    """What the provider bills, if it tells."""
    if reply.usage is None:
        return RequestUsage()
    return RequestUsage(input_tokens=reply.usage[0], output_tokens=reply.usage[1])


def failure(reply: Reply, model: str) -> Exception:
    """What the provider's failure raises."""
    status = None if reply.failure is None else reply.failure.status
    return ConnectionResetError('lost') if status is None else ModelHTTPError(status, model)

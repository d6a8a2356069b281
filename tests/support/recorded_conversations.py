"""The recorded conversations of real providers, and a run of one: what is known of it without a tap."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import capture_run_messages
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelRequest, ModelResponse, NativeToolCallPart, NativeToolReturnPart, ToolReturnPart
from pydantic_ai.usage import RunUsage

from support.paths import ROOT
from support.recorded_agents import recorded_agent, recorded_model
from support.replay_server import ReplayServer, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.agent import EventStreamHandler
    from pydantic_ai.capabilities import AbstractCapability
    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.instrumented import InstrumentationSettings

    from support.replay_server import Conversation, Served

RECORDINGS = ROOT.parent / 'shared' / 'recorded-streams'

CONVERSATIONS = (
    'anthropic/code-execution',
    'anthropic/thinking',
    'anthropic/web-search',
    'deepseek/thinking',
    'google/text',
    'google/three-turn-tools',
    'groq/tool-use-failed',
    'openai-chat/tool-then-text',
    'openai-responses/reasoning-code-execution',
    'openai-responses/tool-then-text',
    'openai-responses/web-search',
    'openrouter/error-in-stream',
    'openrouter/reasoning',
)

BROKEN = 'openrouter/error-in-stream'
"""Ends with an error of the provider in mid-stream, which loses the usage."""

REFUSED = 'groq/tool-use-failed'
"""Its first tool call has wrong arguments, and its first response no usage."""

PROMPT = 'Please do once more, step by step, what you did when you were recorded.'

NEEDS_RECORDINGS = [
    pytest.mark.skipif(not RECORDINGS.is_dir(), reason='the recorded streams (../shared/recorded-streams) are missing'),
    # The recordings name the model they were made with, which Anthropic has retired since; its SDK says so.
    pytest.mark.filterwarnings("ignore:The model 'claude-sonnet-4-0' is deprecated:DeprecationWarning"),
]
"""The marks of a module that replays them."""


@dataclass(frozen=True)
class Ledger:
    """A run of a recorded conversation, as pydantic-ai and the server tell it; times are Unix seconds."""

    conversation: Conversation
    provider: str
    model: str
    started: float
    ended: float
    output: str | None
    error: Exception | None
    usage: RunUsage
    messages: list[ModelMessage]
    served: list[Served]

    @property
    def responses(self) -> list[ModelResponse]:
        return [message for message in self.messages if isinstance(message, ModelResponse)]

    @property
    def finish_reasons(self) -> list[str]:
        return [
            'error'
            if self.error is not None and response.state == 'interrupted'
            else response.finish_reason or 'unknown'
            for response in self.responses
        ]

    @property
    def function_calls(self) -> list[tuple[str, str, str | None]]:
        """Tool, outcome and cause of the retry, if one was asked for, of each call of a function tool."""
        requests = [message for message in self.messages if isinstance(message, ModelRequest)]
        returns = [part for request in requests for part in request.parts if isinstance(part, ToolReturnPart)]
        return [(part.tool_name, part.outcome, part.retry.cause if part.retry else None) for part in returns]

    @property
    def native_calls(self) -> list[tuple[str, str]]:
        """Tool and outcome of each call of a native tool."""
        parts = [part for response in self.responses for part in response.parts]
        returned = {part.tool_call_id: part.outcome for part in parts if isinstance(part, NativeToolReturnPart)}
        calls = [part for part in parts if isinstance(part, NativeToolCallPart)]
        return [(part.tool_name, returned.get(part.tool_call_id, 'interrupted')) for part in calls]


@functools.cache
def recording(name: str) -> Conversation:
    return load(RECORDINGS / f'{name}.json')


def run_recorded(
    name: str,
    *,
    handler: EventStreamHandler[None] | None = None,
    capabilities: Sequence[AbstractCapability[Any]] = (),
    instrument: InstrumentationSettings | None = None,
) -> Ledger:
    """Run a recorded conversation."""
    return run_conversation(recording(name), handler=handler, capabilities=capabilities, instrument=instrument)


def run_conversation(
    conversation: Conversation,
    *,
    handler: EventStreamHandler[None] | None = None,
    capabilities: Sequence[AbstractCapability[Any]] = (),
    instrument: InstrumentationSettings | None = None,
) -> Ledger:
    """Run a conversation that need not be a recorded one as it is."""

    async def run(url: str) -> Ledger:
        async with recorded_model(conversation, url) as model:
            agent = recorded_agent(conversation, model, capabilities)
            agent.instrument = instrument
            usage, output, error = RunUsage(), None, None
            started = time.time()
            with capture_run_messages() as messages:
                try:
                    result = await agent.run(PROMPT, usage=usage, event_stream_handler=handler)
                except ModelHTTPError as raised:
                    error = raised
                else:
                    usage, output, messages = result.usage, result.output, result.all_messages()
            return Ledger(
                conversation=conversation,
                provider=model.system,
                model=model.model_name,
                started=started,
                ended=time.time(),
                output=output,
                error=error,
                usage=usage,
                messages=messages,
                served=server.served,
            )

    with pytest.MonkeyPatch.context() as patch, ReplayServer(conversation) as server:
        for variable in ('NO_PROXY', 'no_proxy'):
            patch.setenv(variable, '127.0.0.1')
        return asyncio.run(run(server.url))


class Listener(logging.Handler):
    """Keeps what a package logs, with the tracebacks, for the time of a `with` block."""

    def __init__(self, package: str) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._logger = logging.getLogger(package)
        self._level = self._logger.level

    def __enter__(self) -> Listener:
        self._logger.addHandler(self)
        self._logger.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
        self._logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

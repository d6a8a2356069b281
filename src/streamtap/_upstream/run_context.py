"""Reads a run context; the restricted ones of durable engines raise for what they lack, which is then unknown."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, cast

from opentelemetry.trace import NoOpTracer
from pydantic_ai import RunContext as RunContext

from streamtap._base.names import clean
from streamtap._upstream.event_sources import made_at
from streamtap._upstream.model_responses import asked_model
from streamtap._upstream.reading import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic_ai.messages import ModelMessage

    from streamtap._upstream.model_responses import AskedModel


UNNAMED = 'agent'
"""What an agent without a name is called."""

UNKNOWN = '_unknown'
"""The value of a label that was given something else than a plain value."""


class Who(NamedTuple):
    """The run, the agent and the step that a call belongs to."""

    run_id: str
    conversation_id: str | None
    agent: str
    step: int
    is_durable: bool = False
    """Whether it runs under a durable engine, which runs it again on recovery."""


class Call(NamedTuple):
    """What a handler is called for."""

    is_request: bool
    """Whether it is a model's response, rather than a round of tool calls."""
    is_primed: bool
    """Whether the stream was opened before its first event was asked for.

    pydantic-ai opens a stream early when a capability may recover its failure; the wait for the first event is then over
    before the handler is called.
    """


def run_id(ctx: object) -> str:
    """The id of a run; '' if the context has none."""
    found = read(ctx, 'run_id')
    return clean(found) if isinstance(found, str) else ''


def who(ctx: object) -> Who:
    """The run, the agent and the step that a call belongs to; an agent without a name is `agent`."""
    conversation_id = read(ctx, 'conversation_id')
    name = read(read(ctx, 'agent'), 'name')
    step = read(ctx, 'run_step')
    return Who(
        run_id=run_id(ctx),
        conversation_id=clean(conversation_id) if isinstance(conversation_id, str) else None,
        agent=clean(name) if isinstance(name, str) and name else UNNAMED,
        step=step if isinstance(step, int) else 0,
        is_durable=read(ctx, 'in_durable_context') is True,
    )


def agent_of(ctx: object) -> object:
    """The agent itself; `None` if the context does not have it."""
    return read(ctx, 'agent')


def metadata_labels(
    ctx: object, names: tuple[str, ...], inherited: Mapping[str, str], refused: Callable[[str], None]
) -> dict[str, str]:
    """The user's own dimensions from the run's metadata; what is missing comes from the calling run, else is ''.

    Args:
        ctx: The run's context.
        names: The names of the dimensions.
        inherited: Those of the run that called it.
        refused: Called with the name of each whose value is not plain, and is `_unknown` instead.
    """
    metadata = read(ctx, 'metadata')
    found: dict[str, str] = {}
    for name in names:
        label = _label(metadata, name, inherited.get(name, ''))
        if label is None:
            refused(name)
        found[name] = UNKNOWN if label is None else label
    return found


def lacks_all(ctx: object, names: tuple[str, ...]) -> bool:
    """Whether the run has metadata, and none of these dimensions in it.

    Args:
        ctx: The run's context.
        names: The names of the dimensions, of which there are some.
    """
    metadata = read(ctx, 'metadata')
    if not names or not isinstance(metadata, dict) or not metadata:
        return False
    return not any(name in metadata for name in names)


def _label(metadata: object, name: str, inherited: str) -> str | None:
    """One dimension; `None` for a value that is refused, which affects neither others nor the run."""
    try:
        value: object = cast('dict[str, object]', metadata).get(name) if isinstance(metadata, dict) else None
        return inherited if value is None else _plain(value)
    except Exception:
        return None


def _plain(value: object) -> str:
    """A plain value as text, or that of a member of an enumeration.

    What any other object says of itself may be anything, such as an e-mail address: it is not asked.

    Raises:
        TypeError: If it is something else.
        ValueError: If it is a number of thousands of digits.
    """
    if isinstance(value, Enum):
        value = cast('object', value.value)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return 'True' if value else 'False'
    if isinstance(value, int):
        return clean(int.__repr__(value))
    if isinstance(value, float):
        return float.__repr__(value)
    raise TypeError('not a plain value')


def messages_of(ctx: object) -> Sequence[ModelMessage]:
    """The run's live message history; empty where the context has none."""
    messages = read(ctx, 'messages')
    return messages if isinstance(messages, list) else ()  # pyright: ignore[reportUnknownVariableType]


def request_unix_time(ctx: object) -> float | None:
    """When the request that is being answered was made, in seconds since the epoch."""
    return made_at(messages_of(ctx))


def call_of(ctx: object, events: object) -> Call:
    """What a handler is called for.

    Args:
        ctx: The run's context.
        events: The events that it is given; `None` if they are not seen.
    """
    # Each reading of it puts the whole response together.
    response = read(events, 'response')
    if response is not None:
        # A stream that failed to open has no parts, and is handed over as if it were complete.
        is_primed = bool(read(response, 'parts')) or read(response, 'state') == 'complete'
        return Call(is_request=True, is_primed=is_primed)
    messages = messages_of(ctx)
    is_primed = bool(read(read(ctx, 'root_capability'), '_has_on_model_request_error'))
    return Call(is_request=bool(messages) and messages[-1].kind == 'request', is_primed=is_primed)


def waits_for_slot(ctx: object) -> bool:
    """Whether the agent limits how many of its runs can be in progress at once."""
    return read(read(ctx, 'agent'), '_concurrency_limiter') is not None


def is_instrumented(ctx: object) -> bool:
    """Whether pydantic-ai makes spans of its own for the run."""
    tracer = read(ctx, 'tracer')
    if tracer is not None and not isinstance(tracer, NoOpTracer):
        return True
    # Before 2.49 a context has no tracer for an `Instrumentation` that stands among the capabilities.
    capabilities = read(ctx, 'capabilities')
    return isinstance(capabilities, dict) and any(
        type(each).__name__ == 'Instrumentation' and type(each).__module__.startswith('pydantic_ai.')
        for each in cast('dict[str, object]', capabilities).values()
    )


def driving_task(ctx: object) -> asyncio.Task[object] | None:
    """The task that drives the run now, where pydantic-ai keeps it; the run's hooks are called in other tasks."""
    task = getattr(read(ctx, '_cancellation'), '_owner', None)
    return cast('asyncio.Task[object]', task) if isinstance(task, asyncio.Task) else None


def tool_manager(ctx: object) -> object | None:
    """The run's tool manager, which knows its tools."""
    return read(ctx, 'tool_manager')


def lifetime(ctx: object) -> object | None:
    """An object of the run that pydantic-ai holds from the run's start to its end, and that nothing holds afterwards.

    The tool manager is no such object: each step has its own, and `run_stream()` shows those of past steps.
    """
    return read(ctx, '_cancellation')


def goes_on(lifetime: object) -> bool:
    """Whether the `lifetime()` of a run says that it is not over."""
    return getattr(lifetime, '_finished', None) is False


def model_of(ctx: object) -> AskedModel:
    """The model that the run asks; if a response has none of its ids, a capability sent the request to another one."""
    model = read(ctx, 'model')
    ids = (read(model, 'model_id'), read(ctx, 'model_id'))
    return asked_model(model, tuple(each for each in ids if isinstance(each, str)))


def asks_again(messages: Sequence[ModelMessage]) -> bool:
    """Whether the request at the end of the history sends an output back to the model, to be made again."""
    if not messages or messages[-1].kind != 'request':
        return False
    return any(
        part.part_kind == 'retry-feedback'
        or (part.part_kind == 'retry-prompt' and getattr(part, 'tool_name', None) is None)
        for part in messages[-1].parts
    )


def output_call(ctx: object, output_context: object) -> tuple[str, str] | None:
    """The name and id of the output tool call that is being processed; `None` for text and for partial output."""
    call = getattr(output_context, 'tool_call', None)
    if call is None or read(ctx, 'partial_output'):
        return None
    name, call_id = getattr(call, 'tool_name', ''), getattr(call, 'tool_call_id', '')
    return name if isinstance(name, str) else '', call_id if isinstance(call_id, str) else ''


def is_deferred_result(result: object) -> bool:
    """Whether the run ended because tool calls wait for a decision or a result from outside."""
    return type(getattr(result, 'output', None)).__name__ == 'DeferredToolRequests'

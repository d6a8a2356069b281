"""Output tokens per second: whatever the provider hides, gathers or counts, the model's own pace or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import anthropic
import google.genai
from google.genai.types import HttpOptions
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap.testing import Call, Hidden, Reply, Say, Think, TokenUsage
from truth.case import Expected, Group
from truth.outputs import OUTPUT, UNTIMED, output
from truth.tools import good
from truth.wires import MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from truth.world import World

SPEEDS = Group('Output tokens per second')

ABSENT = Expected(speed=False)
TOKEN = ' text'
KEY = 'no-key-at-all'


def says(chunks: int, *, tokens: int = 1) -> tuple[Say, ...]:
    """So many chunks of text, with so many tokens in each."""
    return (Say(TOKEN * tokens, tokens),) * chunks


def thinks(chunks: int) -> tuple[Think, ...]:
    """So many chunks of reasoning, each of which is a token."""
    return (Think(TOKEN),) * chunks


def writes(*steps: Any, every: float = 0.01, first_after: float = 0.03, **options: Any) -> list[Reply]:
    """A reply of a model that writes a token every 10 ms, if it is not faster.

    Args:
        *steps: What it writes.
        every: Seconds for a token.
        first_after: Seconds from the headers to the first chunk.
        **options: Options of the reply.
    """
    return [Reply(steps, every=every, first_after=first_after, **options)]


def final(pieces: int, call_id: str = 'out') -> Call:
    """A call of the output tool, in so many pieces of about three characters."""
    return Call(OUTPUT, '{"value": 3' + ' ' * (3 * pieces - 12) + '}', id=call_id, pieces=pieces)


@contextlib.asynccontextmanager
async def anthropic_model(w: World) -> AsyncGenerator[AnthropicModel]:
    """A model that is asked in Anthropic's words."""
    async with anthropic.AsyncAnthropic(base_url=_root(w), api_key=KEY, max_retries=0) as client:
        yield AnthropicModel(MODEL, provider=AnthropicProvider(anthropic_client=client))


@contextlib.asynccontextmanager
async def gemini_model(w: World) -> AsyncGenerator[GoogleModel]:
    """A model that is asked in Google's words."""
    with google.genai.Client(api_key=KEY, http_options=HttpOptions(base_url=_root(w))) as client:
        async with client.aio:
            yield GoogleModel(MODEL, provider=GoogleProvider(client=client))


def responses_model(w: World) -> OpenAIResponsesModel:
    """A model that is asked in the words of OpenAI's Responses."""
    return OpenAIResponsesModel(MODEL, provider=OpenAIProvider(openai_client=w.client))


def _root(w: World) -> str:
    return w.provider.base_url.removesuffix('/v1')


# Reasoning


@SPEEDS.case(writes(Hidden(10), *says(26), usage=TokenUsage(reasoning=10)), Expected())
async def hidden_and_counted(w: World) -> None:
    """Reasoning that is counted and not streamed."""
    await w.run(w.agent())


@SPEEDS.case(writes(Hidden(10), *says(26), usage=TokenUsage(reasoning=10)), Expected(), doors=('capability',))
async def hidden_in_responses(w: World) -> None:
    """Reasoning that is counted and not streamed, in OpenAI's Responses."""
    await w.run(w.agent(responses_model(w)))


@SPEEDS.case(
    writes(Hidden(30), *says(9, tokens=20), every=0.002, usage=TokenUsage(reasoning=30)),
    Expected(),
    doors=('capability',),
)
async def hidden_in_gemini(w: World) -> None:
    """Reasoning that is counted and not streamed, in Gemini's chunks of many tokens."""
    async with gemini_model(w) as model:
        await w.run(w.agent(model))


@SPEEDS.case(writes(Hidden(30), *says(9, tokens=20), every=0.002), ABSENT, doors=('capability',))
async def redacted(w: World) -> None:
    """Anthropic's redacted reasoning, which nobody counts."""
    async with anthropic_model(w) as model:
        await w.run(w.agent(model))


@SPEEDS.case(
    writes(Hidden(30), *says(9, tokens=20), every=0.002, usage=TokenUsage(reasoning=30)),
    Expected(),
    doors=('capability',),
)
async def redacted_and_counted(w: World) -> None:
    """Anthropic's redacted reasoning, which is counted."""
    async with anthropic_model(w) as model:
        await w.run(w.agent(model))


@SPEEDS.case(writes(*thinks(12), Hidden(20), *says(9, tokens=20), every=0.002), ABSENT, doors=('capability',))
async def redacted_beside_shown(w: World) -> None:
    """Anthropic's redacted reasoning after reasoning that is shown."""
    async with anthropic_model(w) as model:
        await w.run(w.agent(model))


@SPEEDS.case(writes(Hidden(20), *says(26), every=0.005), ABSENT, doors=('capability',))
async def hidden_and_counted_as_none(w: World) -> None:
    """Reasoning that is not streamed, of a server that reports 0 for it."""
    await w.run(w.agent())


@SPEEDS.case(writes(*thinks(10), *says(26), usage=TokenUsage(reasoning=10)), Expected(), doors=('capability',))
async def shown_and_counted(w: World) -> None:
    """Reasoning that is counted and streamed: the pace is the answer's."""
    await w.run(w.agent())


@SPEEDS.case(writes(*thinks(10), *says(26)), Expected(), doors=('capability',))
async def shown_and_not_counted(w: World) -> None:
    """Reasoning that is streamed and not counted apart."""
    await w.run(w.agent())


@SPEEDS.case(
    writes(*says(13), Hidden(10), *says(13), every=0.005, usage=TokenUsage(reasoning=10)), ABSENT, doors=('capability',)
)
async def hidden_between(w: World) -> None:
    """Hidden reasoning between two texts, in OpenAI's Responses: nobody knows how long it took."""
    await w.run(w.agent(responses_model(w)))


@SPEEDS.case(
    writes(*says(13), *thinks(12), *says(13), every=0.005, usage=TokenUsage(reasoning=60)),
    ABSENT,
    doors=('capability',),
)
async def shown_between(w: World) -> None:
    """A summary of reasoning between two texts: nobody knows how long it took."""
    await w.run(w.agent())


# The end token


@SPEEDS.case(writes(*says(8), Hidden(), every=0.03), Expected(), doors=('capability',))
async def ends_by_itself(w: World) -> None:
    """A short answer that ends by itself, whose end token is counted and not shown."""
    await w.run(w.agent())


@SPEEDS.case(writes(*says(10, tokens=20), Hidden(), every=0.0015), Expected(), doors=('capability',))
async def ends_by_itself_in_chunks(w: World) -> None:
    """An answer in chunks of many tokens that ends by itself."""
    await w.run(w.agent())


@SPEEDS.case(writes(*says(6, tokens=3), Hidden(), every=0.005), ABSENT, doors=('capability',))
async def short_in_chunks(w: World) -> None:
    """So short an answer in chunks of several tokens that its end token matters."""
    await w.run(w.agent())


# Tool calls


@SPEEDS.case(writes(Hidden(5), final(26), Hidden(4)), Expected(tools=good(OUTPUT), **UNTIMED), doors=('watch',))
async def structured_output(w: World) -> None:
    """Structured output: a call with markup tokens before and after its arguments."""
    await w.run(w.agent(output_type=output(w, 0.001)))


@SPEEDS.case(
    writes(Hidden(5), Call('tool', ' ' * 72 + '{}', pieces=26), Hidden(4)) + writes(*says(26), Hidden()),
    Expected(requests=('success', 'success'), tools=good('tool')),
    doors=('capability',),
)
async def tool_call(w: World) -> None:
    """A call with markup tokens before and after its arguments, then a text that ends by itself."""
    await w.run(w.agent(tools=[w.tool('tool', 0.001)]))


@SPEEDS.case(
    writes(Hidden(5), final(10, 'a'), Hidden(9), final(10, 'b'), Hidden(4), every=0.005),
    Expected(tokens_per_second=200.0, tools=good(OUTPUT)),
    doors=('capability',),
)
async def markup_between(w: World) -> None:
    """Two calls with markup between them."""
    await w.run(w.agent(output_type=output(w, 0.001)))


@SPEEDS.case(
    writes(Hidden(40), final(10), Hidden(4), every=0.005),
    Expected(tokens_per_second=200.0, tools=good(OUTPUT)),
    doors=('capability',),
)
async def forced(w: World) -> None:
    """A call with far more hidden tokens than seen ones."""
    await w.run(w.agent(output_type=output(w, 0.001)))


@SPEEDS.case(
    writes(*says(10), Hidden(5), final(10), Hidden(6), every=0.005),
    Expected(tokens_per_second=200.0, tools=good(OUTPUT)),
    doors=('capability',),
)
async def after_text(w: World) -> None:
    """A text and a call with markup around it."""
    await w.run(w.agent(output_type=output(w, 0.001)))


@SPEEDS.case(
    writes(Call(OUTPUT, '{"value": 3' + ' ' * 80 + '}', id='out', pieces=9), every=0.01, usage=TokenUsage(output=24)),
    Expected(speed=False, tools=good(OUTPUT)),
    doors=('capability',),
)
async def call_in_anthropic(w: World) -> None:
    """A call in Anthropic's chunks of several tokens, of which some are markup."""
    async with anthropic_model(w) as model:
        await w.run(w.agent(model, output_type=output(w, 0.001)))


# Chunks and buffers


@SPEEDS.case(writes(*says(8, tokens=50), every=0.0008), Expected(), doors=('capability',))
async def many_at_a_time(w: World) -> None:
    """Chunks of fifty tokens."""
    await w.run(w.agent())


@SPEEDS.case(writes(*says(1), *says(12, tokens=20), every=0.001), Expected(), doors=('capability',))
async def first_alone(w: World) -> None:
    """A server that sends the first token alone, and then twenty at a time."""
    await w.run(w.agent())


@SPEEDS.case(writes(*says(26), every=0.005, batch=100), ABSENT, doors=('capability',))
async def flushed(w: World) -> None:
    """A proxy that sends the whole answer at its end."""
    await w.run(w.agent())


@SPEEDS.case(writes(*says(60), every=0.004, batch=20), ABSENT, doors=('capability',))
async def few_segments(w: World) -> None:
    """Sixty events in three pieces."""
    await w.run(w.agent())


@SPEEDS.case(writes(*says(221), every=0.003, batch=2), Expected(tokens_per_second=1 / 0.003), doors=('capability',))
async def many_segments(w: World) -> None:
    """Events that come in twos, in many pieces."""
    await w.run(w.agent())


@SPEEDS.case(writes(*says(100), every=0.0025), Expected())
async def fast(w: World) -> None:
    """A model that writes 400 tokens a second."""
    await w.run(w.agent())


@SPEEDS.case(writes(*says(50), every=0.0001), ABSENT, doors=('handler',))
async def very_fast(w: World) -> None:
    """A model that writes 10,000 tokens a second."""
    await w.run(w.agent())


# A client that stands still


def stands_still(w: World, seconds: float, *, chunks: int) -> asyncio.Task[float]:
    """Block the event loop for a while when so many chunks were sent, and return when it is free again."""

    async def stand_still() -> float:
        while not w.provider.served or len(w.provider.served[-1].chunks) < chunks:  # noqa: ASYNC110 - another thread serves
            await asyncio.sleep(0.001)
        time.sleep(seconds)  # noqa: ASYNC251 - that is the point
        return time.perf_counter()

    return asyncio.create_task(stand_still())


@SPEEDS.case(writes(*says(20), every=0.02), ABSENT)
async def still_at_first(w: World) -> None:
    """A client that stands still while the first tokens come, as at the first stream of a process."""
    free = stands_still(w, 0.14, chunks=0)
    await w.run(w.agent())
    w.late = await free - w.provider.served[0].chunks[0].at


# The capability cannot tell it from a consumer that held an event.
@SPEEDS.case(writes(*says(40), every=0.02), Expected(), doors=('handler',))
async def still_between(w: World) -> None:
    """A client that stands still in the middle of a stream, and catches up."""
    free = stands_still(w, 0.06, chunks=6)
    await w.run(w.agent())
    await free


@SPEEDS.case(writes(*says(20), every=0.02), ABSENT, doors=('handler',))
async def still_at_last(w: World) -> None:
    """A client that stands still while the last tokens come."""
    free = stands_still(w, 0.11, chunks=15)
    await w.run(w.agent())
    await free

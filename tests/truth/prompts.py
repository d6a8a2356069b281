"""Prompts: what filled them, how full the context is, and what was bought again although a cache had it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import mock

from genai_prices import Usage, calc_price

from streamtap._runs import prompts
from streamtap.testing import Call, Reply, Say, TokenUsage
from support.event_readers import read
from truth.case import Expected, Group
from truth.replies import PACE, in_turn
from truth.speeds import anthropic_model, gemini_model
from truth.wires import Counted

if TYPE_CHECKING:
    from truth.world import World

PROMPTS = Group('Prompts')

MODEL = 'gpt-4.1-mini'
WINDOW = 1_000_000
"""What that model can hold."""


def asks(*tools: str, usage: TokenUsage) -> Reply:
    """A reply that calls these tools, or says something."""
    steps = [Call(tool, '', id=f'{tool}-{place}') for place, tool in enumerate(tools)]
    return Reply(steps or (Say('yes'), Say(' it'), Say(' is')), usage=usage, **PACE)


def requests(number: int, *tools: str, run: str = 'success', **facts: tuple[object, ...]) -> Expected:
    """What is recorded of so many requests and these tools."""
    return Expected(
        run,
        requests=('success',) * number,
        tools=tuple(f'{tool} success' for tool in tools),
        facts={f'request.{name}': values for name, values in facts.items()},
    )


def worth(size: int, cached: int, model: str = MODEL) -> float:
    """What a prompt costs less with those tokens from the cache."""

    def price(read: int) -> float:
        usage = Usage(input_tokens=size, cache_read_tokens=read, output_tokens=0)
        return float(calc_price(usage, model, provider_id='openai').total_price)

    return price(0) - price(cached)


async def talk(w: World, *instructions: str | None) -> None:
    """A conversation: a run after the other, each with instructions of its own."""
    history: Any = None
    for text in instructions:
        result = await w.run(w.agent(), message_history=history, instructions=text)
        history = result.all_messages()


# What fills them


ONE_TOOL = in_turn(
    asks('nap', usage=TokenUsage(1000, 40)),
    asks('nap', usage=TokenUsage(1500, 100, reasoning=60)),
    asks(usage=TokenUsage(9000, 3)),
)
GROWN = requests(
    3,
    'nap',
    'nap',
    tool_result_tokens=(None, 460, 7460),
    tool_results_of=(None, 'nap', 'nap'),
    context_window=(WINDOW,) * 3,
    context_tokens=(1040, 1600, 9003),
    context_used=(0.00104, 0.0016, 0.009003),
)


@PROMPTS.case(ONE_TOOL, GROWN)
async def one_tool(w: World) -> None:
    """What the results of a tool took, without the answers between, whose reasoning is not sent back."""
    await w.run(w.agent(tools=[w.tool('nap')]))


@PROMPTS.case(ONE_TOOL, GROWN, doors=('capability',))
async def one_tool_unstreamed(w: World) -> None:
    """What the results of a tool took, in a run that nobody streams."""
    await w.run(w.agent(tools=[w.tool('nap')], stream=False))


@PROMPTS.case(
    in_turn(asks('nap', 'rest', usage=TokenUsage(1000, 40)), asks(usage=TokenUsage(1500, 3))),
    requests(2, 'nap', 'rest', tool_result_tokens=(None, 460), tool_results_of=(None, '_several')),
)
async def two_tools(w: World) -> None:
    """What two tools took beside each other."""
    await w.run(w.agent(tools=[w.tool('nap'), w.tool('rest', 0.02)]))


@PROMPTS.case(
    [asks(usage=TokenUsage(1000, 40))],
    requests(1, context_window=(None,), context_tokens=(1040,), context_used=(None,)),
)
async def unknown_window(w: World) -> None:
    """A model that nobody has listed."""
    await w.run(w.agent(w.model('house-model')))


@PROMPTS.case(
    [Reply(usage=Counted(100, 3, continues=True)), asks(usage=Counted(103, 5))],
    requests(1, input_tokens=(203,), output_tokens=(8,), context_tokens=(108,)),
    doors=('capability',),
)
async def continued(w: World) -> None:
    """An answer of Google's that goes on in another request, whose tokens are the sum of both."""
    async with gemini_model(w) as model:
        await w.run(w.agent(model))


# What was bought again


def usage(size: int, cached: int) -> TokenUsage:
    """The tokens of a prompt, and those of it that were read from the cache."""
    return TokenUsage(size, 3, cached)


def cached(*usages: TokenUsage) -> Any:
    """A script: a conversation of texts, whose prompts have these tokens."""
    return in_turn(*(asks(usage=each) for each in usages))


def turns(number: int, **facts: tuple[object, ...]) -> Expected:
    """What is recorded of a conversation of so many runs."""
    return requests(number, run=', '.join(['success'] * number), **facts)


HIT = cached(usage(4000, 3072), usage(4100, 3968))


@PROMPTS.case(
    HIT,
    turns(
        2,
        cache_missed_tokens=(None, 0),
        cache_miss_reason=(None, None),
        cache_saved_usd=(worth(4000, 3072), worth(4100, 3968)),
        cache_lost_usd=(None, None),
    ),
)
async def hit(w: World) -> None:
    """A conversation that finds in the cache what it left there."""
    await talk(w, 'be kind', 'be kind')


def missed(tokens: int, reason: str | None, *usages: TokenUsage) -> Expected:
    """What is recorded of a conversation whose second prompt is bought again."""
    first, second = usages
    return turns(
        2,
        cache_missed_tokens=(None, tokens),
        cache_miss_reason=(None, reason),
        cache_saved_usd=tuple(worth(each.input, each.cached) if each.cached else None for each in (first, second)),
        cache_lost_usd=(None, worth(second.input, tokens)),
    )


ALL_AGAIN = usage(4000, 3072), usage(4100, 0)
CHANGED = missed(3072, 'prefix_changed', *ALL_AGAIN)


@PROMPTS.case(cached(*ALL_AGAIN), CHANGED)
async def other_instructions(w: World) -> None:
    """Instructions that change."""
    await talk(w, 'it is noon', 'it is one')


@PROMPTS.case(cached(*ALL_AGAIN), missed(3072, 'unknown', *ALL_AGAIN))
async def nobody_knows_why(w: World) -> None:
    """The same beginning, soon after, and nothing from the cache."""
    await talk(w, 'be kind', 'be kind')


PARTLY = usage(4000, 3072), usage(4100, 1024)


@PROMPTS.case(cached(*PARTLY), missed(2048, 'prefix_changed', *PARTLY))
async def only_the_beginning(w: World) -> None:
    """Only the beginning comes from the cache."""
    await talk(w, 'be kind', 'be kind')


SHORTER = usage(4000, 3072), usage(900, 0)


@PROMPTS.case(cached(*SHORTER), missed(900, 'below_minimum', *SHORTER))
async def too_short(w: World) -> None:
    """A prompt that is shorter than any cache has."""
    await talk(w, 'be kind', 'be kind')


@PROMPTS.case(cached(*ALL_AGAIN), missed(3072, 'expired', *ALL_AGAIN))
async def after_a_while(w: World) -> None:
    """The same beginning, after the time for which caches keep it, here none."""
    with mock.patch.object(prompts, 'KEPT_FOR', 0.0):
        await talk(w, 'be kind', 'be kind')


TOOL_BETWEEN = in_turn(asks('nap', usage=usage(4000, 3072)), asks(usage=usage(4100, 1024)))
AGAIN_IN_A_RUN = requests(
    2,
    'nap',
    cache_missed_tokens=(None, 2048),
    cache_miss_reason=(None, 'prefix_changed'),
    cache_lost_usd=(None, worth(4100, 2048)),
)


@PROMPTS.case(TOOL_BETWEEN, AGAIN_IN_A_RUN)
async def within_a_run(w: World) -> None:
    """A cache that is missed within a run, after a tool."""
    await w.run(w.agent(tools=[w.tool('nap')]))


@PROMPTS.case(TOOL_BETWEEN, AGAIN_IN_A_RUN, doors=('capability',))
async def within_a_run_unstreamed(w: World) -> None:
    """A cache that is missed within a run that nobody streams."""
    await w.run(w.agent(tools=[w.tool('nap')], stream=False))


@PROMPTS.case(TOOL_BETWEEN, AGAIN_IN_A_RUN, doors=('watch',))
async def within_a_run_by_nodes(w: World) -> None:
    """A cache that is missed within a run that is read node by node."""
    await read(w.agent(tools=[w.tool('nap')]), 'nodes', w.seen.tap.watch)


@PROMPTS.case(TOOL_BETWEEN, AGAIN_IN_A_RUN, doors=('capability',))
async def within_run_stream(w: World) -> None:
    """A cache that is missed within `run_stream`."""
    async with w.agent(tools=[w.tool('nap')]).run_stream('hello') as result:
        async for _ in result.stream_text(debounce_by=None):
            pass
        w.keep(result)


@PROMPTS.case(
    in_turn(asks(usage=usage(4000, 3072)), asks(usage=usage(4100, 0))),
    missed(3072, 'unknown', *ALL_AGAIN),
    but={'capability': {'facts': CHANGED.facts}, 'watch': {'facts': CHANGED.facts}},
)
async def other_tools(w: World) -> None:
    """Tools that change, which the handler is not told."""
    first = await w.run(w.agent(tools=[w.tool('nap')]))
    await w.run(w.agent(tools=[w.tool('rest')]), message_history=first.all_messages())


@PROMPTS.case(
    [asks(usage=Counted(4000, 3, 1024, written=2048)), asks(usage=Counted(4100, 3, 1024))],
    turns(
        2,
        input_tokens=(4000, 4100),
        cache_write_tokens=(2048, 0),
        cache_missed_tokens=(None, 2048),
        cache_miss_reason=(None, 'prefix_changed'),
    ),
    doors=('capability',),
)
async def written(w: World) -> None:
    """What was written to the cache, in the words of Anthropic, and is not read."""
    history: Any = None
    async with anthropic_model(w) as model:
        for _ in range(2):
            result = await w.run(w.agent(model), message_history=history)
            history = result.all_messages()


@PROMPTS.case(
    cached(usage(4000, 3072), usage(4100, 0)),
    turns(2, cache_missed_tokens=(None, None)),
    doors=('handler', 'capability'),
)
async def another_model(w: World) -> None:
    """A conversation that goes on with another model, which has a cache of its own."""
    first = await w.run(w.agent())
    await w.run(w.agent(w.model('gpt-4.1-nano')), message_history=first.all_messages())

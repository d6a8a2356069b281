"""Output tools and output functions, alone and beside function tools."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic_ai import ModelRetry, ToolOutput, UsageLimits
from pydantic_ai.exceptions import UnexpectedModelBehavior, UsageLimitExceeded

from streamtap.testing import Call, Reply, words
from truth.case import Expected, Group
from truth.replies import PACE, SHORT, calling, in_turn
from truth.tools import calls, good, raising

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.doors import Door
    from truth.world import World

OUTPUTS = Group('Outputs')

TWO = ('success', 'success')
OUTPUT = 'final_result'
UNTIMED: dict[str, Any] = {'untimed': (OUTPUT, 'other_result')}
NOT_TIMED: Mapping[Door, Mapping[str, Any]] = {'handler': UNTIMED, 'watch': UNTIMED}
"""Of an output tool's call events tell no more than that it was made: they all come when it is over."""
FIRST: Mapping[Door, Mapping[str, Any]] = {'handler': {'untimed': ('other_result',)}, 'watch': UNTIMED}
"""If it is the first that runs in its round, the handler waited for nothing else."""


def final(value: object = 3, call_id: str = 'out', tool: str = OUTPUT) -> Call:
    """A call of the output tool."""
    return Call(tool, {'value': value}, id=call_id)


def output(w: World, seconds: float = 0.05, name: str = OUTPUT, *, sends_back: int = 0) -> Any:
    """An output function that takes its time, and sends the first few outputs back."""
    left = iter(range(sends_back))

    async def make(value: int) -> int:
        with w.stamping(name):
            await asyncio.sleep(seconds)
            if next(left, None) is not None:
                raise ModelRetry('another')
        return value

    return ToolOutput(make, name=name)


@OUTPUTS.case([calling(final())], Expected(tools=good(OUTPUT)), but=FIRST)
async def function(w: World) -> None:
    """An output function."""
    await w.run(w.agent(output_type=output(w)))


@OUTPUTS.case(
    in_turn(calling(final('x')), calling(final())),
    Expected(requests=TWO, tools=(f'{OUTPUT} retried validation_error', f'{OUTPUT} success'), output_retries=1),
    but=FIRST,
)
async def wrong_arguments(w: World) -> None:
    """An output of a wrong type, then a right one."""
    await w.run(w.agent(output_type=output(w)))


@OUTPUTS.case(
    in_turn(calling(final()), calling(final())),
    Expected(requests=TWO, tools=(f'{OUTPUT} retried model_retry', f'{OUTPUT} success'), output_retries=1),
    but=FIRST,
)
async def sent_back(w: World) -> None:
    """An output that its function sends back, then one that it takes."""
    await w.run(w.agent(output_type=output(w, sends_back=1)))


@OUTPUTS.case(
    [calling(*calls('tool'), final(), *calls('later'))], Expected(tools=good('tool', OUTPUT, 'later')), but=NOT_TIMED
)
async def graceful(w: World) -> None:
    """A tool, the output, another tool, in that order: the usual strategy runs them one after the other."""
    await w.run(w.agent(tools=[w.tool('tool', 0.06), w.tool('later', 0.03)], output_type=output(w)))


@OUTPUTS.case(
    in_turn(calling(*calls('tool'), final('x'), *calls('later')), calling(final(call_id='again'))),
    Expected(
        requests=TWO, tools=(*good('tool', 'later', OUTPUT), f'{OUTPUT} retried validation_error'), output_retries=1
    ),
    but=FIRST,
)
async def graceful_wrong(w: World) -> None:
    """A tool, a wrong output, another tool, then a right output."""
    await w.run(w.agent(tools=[w.tool('tool', 0.06), w.tool('later', 0.03)], output_type=output(w)))


@OUTPUTS.case([calling(*calls('tool'), final())], Expected(tools=good(OUTPUT)), but=FIRST)
async def early(w: World) -> None:
    """A tool before the output, which the strategy `early` skips: no call."""
    await w.run(w.agent(tools=[w.tool('tool')], output_type=output(w), end_strategy='early'))


@OUTPUTS.case(
    in_turn(calling(*calls('tool'), final('x')), calling(final(call_id='again'))),
    Expected(requests=TWO, tools=(*good('tool', OUTPUT), f'{OUTPUT} retried validation_error'), output_retries=1),
    but=FIRST,
)
async def early_wrong(w: World) -> None:
    """A tool before a wrong output, which the strategy `early` then runs."""
    await w.run(w.agent(tools=[w.tool('tool')], output_type=output(w), end_strategy='early'))


@OUTPUTS.case(
    [calling(*calls('tool'), final(), *calls('later'))], Expected(tools=good('tool', OUTPUT, 'later')), but=NOT_TIMED
)
async def exhaustive(w: World) -> None:
    """A tool, the output and another tool, which the strategy `exhaustive` runs beside each other."""
    tools = [w.tool('tool', 0.06), w.tool('later', 0.03)]
    await w.run(w.agent(tools=tools, output_type=output(w, 0.1), end_strategy='exhaustive'))


@OUTPUTS.case(
    [calling(final(call_id='a'), final(call_id='b', tool='other_result'))], Expected(tools=good(OUTPUT)), but=FIRST
)
async def two_outputs(w: World) -> None:
    """Two outputs, of which the second is skipped: no call."""
    await w.run(w.agent(output_type=[output(w), output(w, name='other_result')]))


@OUTPUTS.case(
    [calling(final(call_id='a'), final(call_id='b', tool='other_result'))],
    Expected(tools=good(OUTPUT, 'other_result')),
    but=FIRST,
)
async def two_outputs_exhaustive(w: World) -> None:
    """Two outputs, of which the strategy `exhaustive` makes both and takes the first."""
    both = [output(w), output(w, name='other_result')]
    await w.run(w.agent(output_type=both, end_strategy='exhaustive'))


@OUTPUTS.case(
    in_turn(calling(*calls('picky'), final()), calling(final(call_id='again'))),
    Expected(requests=TWO, tools=('picky retried model_retry', *good(OUTPUT, OUTPUT))),
    but={'handler': {'untimed': ('out',)}, 'watch': UNTIMED},
)
async def retry_wins(w: World) -> None:
    """An output beside a tool that asks for another try, which goes first."""
    await w.run(w.agent(tools=[raising(w, 'picky', lambda: ModelRetry('again'))], output_type=output(w)))


@OUTPUTS.case(
    [Reply((*words('this is the text'), *calls('tool', 'later')), **PACE)],
    Expected(tools=good('tool', 'later')),
    doors=('capability',),
)
async def after_the_text(w: World) -> None:
    """`run_stream` whose text is followed by tools, which run when it was read."""
    async with w.agent(tools=[w.tool('tool', 0.04), w.tool('later', 0.02)]).run_stream('hello') as result:
        async for _ in result.stream_text(debounce_by=None):
            pass


@OUTPUTS.case(
    [Reply((*words('this is the text'), *calls('tool', 'later')), **PACE), SHORT],
    Expected(requests=TWO, tools=good('tool', 'later')),
)
async def text_before_tools(w: World) -> None:
    """A text with tools after it, which is not the end of a run."""
    await w.run(w.agent(tools=[w.tool('tool', 0.04), w.tool('later', 0.02)]))


@OUTPUTS.case([calling(final())], Expected(tools=good(OUTPUT)), doors=('capability',))
async def unstreamed(w: World) -> None:
    """An output function in a run that nobody streams."""
    await w.run(w.agent(output_type=output(w), stream=False))


@OUTPUTS.case(
    [calling(final())],
    Expected('error LookupError', tools=(f'{OUTPUT} error LookupError',)),
    but={door: {'tools': (), **UNTIMED} for door in ('handler', 'watch')},
    raises=LookupError,
)
async def breaks(w: World) -> None:
    """An output function that raises: of its call no event tells."""

    async def make(value: int) -> int:
        with w.stamping(OUTPUT):
            await asyncio.sleep(0.03)
            raise LookupError(value)

    await w.run(w.agent(output_type=ToolOutput(make, name=OUTPUT)))


@OUTPUTS.case(
    [calling(final('x', call_id='a'), final(call_id='b', tool='other_result'))],
    Expected(tools=(f'{OUTPUT} error UnexpectedModelBehavior', 'other_result success')),
    but=FIRST,
)
async def a_wrong_output_beside_a_right_one(w: World) -> None:
    """Two outputs, of which the first is wrong once too often and another is taken."""
    both = [output(w), output(w, name='other_result')]
    await w.run(w.agent(output_type=both, end_strategy='exhaustive', retries={'output': 0}))


@OUTPUTS.case(
    [calling(final(call_id='a'), final(call_id='b', tool='other_result'))],
    Expected(tools=(f'{OUTPUT} error UnexpectedModelBehavior', 'other_result success')),
    but=FIRST,
)
async def a_failed_output_beside_a_right_one(w: World) -> None:
    """Two outputs, of which the first is sent back once too often and another is taken."""
    both = [output(w, sends_back=1), output(w, name='other_result')]
    await w.run(w.agent(output_type=both, end_strategy='exhaustive', retries={'output': 0}))


@OUTPUTS.case(
    [calling(*calls('picky'), final())],
    Expected('limit UsageLimitExceeded', tools=('picky retried model_retry', *good(OUTPUT))),
    but={'handler': UNTIMED, 'watch': UNTIMED},
    raises=UsageLimitExceeded,
)
async def retry_wins_against_a_limit(w: World) -> None:
    """An output that is not taken because of a tool's retry, which a limit then forbids."""
    agent = w.agent(tools=[raising(w, 'picky', lambda: ModelRetry('again'))], output_type=output(w))
    await w.run(agent, usage_limits=UsageLimits(request_limit=1))


@OUTPUTS.case(
    in_turn(calling(final('x')), calling(final('y'))),
    Expected(
        'error UnexpectedModelBehavior',
        requests=TWO,
        tools=(f'{OUTPUT} retried validation_error', f'{OUTPUT} error UnexpectedModelBehavior'),
        output_retries=1,
    ),
    but={door: {'tools': (f'{OUTPUT} retried validation_error',)} for door in ('handler', 'watch')},
    raises=UnexpectedModelBehavior,
)
async def exhausted(w: World) -> None:
    """An output that is wrong once too often: of its last call no event tells."""
    await w.run(w.agent(output_type=output(w), retries={'output': 1}))

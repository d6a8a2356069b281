"""Every way in which a run comes to its end by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic_ai import ModelRetry, UsageLimits
from pydantic_ai.exceptions import UnexpectedModelBehavior, UsageLimitExceeded

from streamtap.testing import Call, Reply, Say
from truth.case import Expected, Group
from truth.replies import PACE, SHORT, calling, tools_then_text

if TYPE_CHECKING:
    from truth.world import World

ENDINGS = Group('Ways to end')

RIGHT = calling(Call('final_result', {'response': 3}))
WRONG = calling(Call('final_result', {'response': 'x'}))
NO = Reply((Say('no'), Say('pe')), **PACE)
SENT_BACK = ('success', 'success')


def not_nope(output: str) -> str:
    """A validator that sends one text back."""
    if output == 'nope':
        raise ModelRetry('again')
    return output


def never(output: Any) -> Any:
    """A validator that nothing satisfies."""
    raise ModelRetry('again')


# Results


@ENDINGS.case([SHORT], Expected())
async def text(w: World) -> None:
    """A text is the result."""
    await w.run(w.agent())


@ENDINGS.case([RIGHT], Expected(tools=('final_result success',)))
async def output_tool(w: World) -> None:
    """An output tool has the result."""
    await w.run(w.agent(output_type=int))


@ENDINGS.case(
    [RIGHT],
    Expected(tools=('final_result success',)),
    but={'watch': {'tool_times': False}},
)
async def output_function(w: World) -> None:
    """An output function makes the result."""

    async def doubled(response: int) -> int:
        with w.stamping('final_result'):
            await asyncio.sleep(0.05)
            return response * 2

    await w.run(w.agent(output_type=doubled))


# Outputs that are sent back


@ENDINGS.case([NO, SHORT], Expected(requests=SENT_BACK, output_retries=1))
async def text_sent_back(w: World) -> None:
    """A validator sends a text back."""
    agent = w.agent()
    agent.output_validator(not_nope)
    await w.run(agent)


@ENDINGS.case(
    [WRONG, RIGHT],
    Expected(
        requests=SENT_BACK, tools=('final_result retried validation_error', 'final_result success'), output_retries=1
    ),
)
async def wrong_output(w: World) -> None:
    """An output tool gets wrong arguments, then right ones."""
    await w.run(w.agent(output_type=int))


@ENDINGS.case(
    [RIGHT, RIGHT],
    Expected(requests=SENT_BACK, tools=('final_result retried model_retry', 'final_result success'), output_retries=1),
)
async def output_sent_back(w: World) -> None:
    """A validator sends the output of an output tool back."""
    agent = w.agent(output_type=int)
    answers = iter((True, False))

    @agent.output_validator
    def refuse(output: int) -> int:
        if next(answers):
            raise ModelRetry('again')
        return output

    await w.run(agent)


@ENDINGS.case(
    [RIGHT, RIGHT],
    Expected(requests=SENT_BACK, tools=('final_result retried model_retry', 'final_result success'), output_retries=1),
)
async def output_function_sends_back(w: World) -> None:
    """An output function asks again."""
    answers = iter((True, False))

    async def picky(response: int) -> int:
        if next(answers):
            raise ModelRetry('again')
        return response

    await w.run(w.agent(output_type=picky))


# Retries that are used up


@ENDINGS.case(
    [NO, NO],
    Expected('error UnexpectedModelBehavior', requests=SENT_BACK, output_retries=1),
    raises=UnexpectedModelBehavior,
)
async def no_text_is_right(w: World) -> None:
    """No text satisfies the validator."""
    agent = w.agent(retries=1)
    agent.output_validator(never)
    await w.run(agent)


@ENDINGS.case(
    [WRONG, WRONG],
    Expected(
        'error UnexpectedModelBehavior',
        requests=SENT_BACK,
        tools=('final_result retried validation_error',),
        output_retries=1,
    ),
    but={
        'capability': {'tools': ('final_result retried validation_error', 'final_result error UnexpectedModelBehavior')}
    },
    raises=UnexpectedModelBehavior,
)
async def no_output_is_right(w: World) -> None:
    """An output tool gets wrong arguments until its retries are used up."""
    await w.run(w.agent(output_type=int, retries=1))


@ENDINGS.case(
    [calling(Call('picky', {}, id='a')), calling(Call('picky', {}, id='b'))],
    Expected(
        'error UnexpectedModelBehavior',
        requests=SENT_BACK,
        tools=('picky retried model_retry', 'picky error UnexpectedModelBehavior'),
    ),
    raises=UnexpectedModelBehavior,
)
async def no_call_is_right(w: World) -> None:
    """A tool asks again until its retries are used up."""

    async def picky() -> str:
        with w.stamping('picky'):
            raise ModelRetry('again')

    await w.run(w.agent(tools=[picky], retries=1))


# Limits


@ENDINGS.case(
    tools_then_text(Call('nap', {})),
    Expected('limit UsageLimitExceeded', tools=('nap success',)),
    raises=UsageLimitExceeded,
)
async def request_limit(w: World) -> None:
    """The limit of requests is reached between two of them."""
    await w.run(w.agent(tools=[w.tool('nap')]), usage_limits=UsageLimits(request_limit=1))


@ENDINGS.case([SHORT], Expected('limit UsageLimitExceeded', requests=('cancelled',)), raises=UsageLimitExceeded)
async def token_limit(w: World) -> None:
    """The limit of tokens is reached by a response."""
    await w.run(w.agent(), usage_limits=UsageLimits(output_tokens_limit=2))


@ENDINGS.case(
    [calling(Call('nap', {}, id='a'), Call('nap', {}, id='b'))],
    Expected('limit UsageLimitExceeded'),
    raises=UsageLimitExceeded,
)
async def tool_limit(w: World) -> None:
    """The limit of tool calls is less than what a response asks for."""
    await w.run(w.agent(tools=[w.tool('nap')]), usage_limits=UsageLimits(tool_calls_limit=1))


@ENDINGS.case(
    [NO],
    Expected('limit UsageLimitExceeded', output_retries=1),
    raises=UsageLimitExceeded,
)
async def request_limit_after_retry(w: World) -> None:
    """The limit of requests is reached when a text is sent back."""
    agent = w.agent()
    agent.output_validator(not_nope)
    await w.run(agent, usage_limits=UsageLimits(request_limit=1))

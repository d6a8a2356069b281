"""Why runs failed, and where."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from pydantic_ai import ModelRetry, UsageLimits
from pydantic_ai.exceptions import ModelHTTPError, RunTimedOut, UnexpectedModelBehavior, UsageLimitExceeded
from pydantic_ai.models.fallback import FallbackModel

from streamtap import FailureRecord
from streamtap.testing import Call
from truth.case import Expected, Group
from truth.delegation import INNER, MIDDLE, asking, inner
from truth.failures import BREAKS, ERROR
from truth.replies import SHORT, calling, in_turn, in_turn_of_each
from truth.stops import SILENT
from truth.tools import raising

if TYPE_CHECKING:
    from truth.world import World

CAUSES = Group('Why runs failed')

HTTP = 'ModelHTTPError_500'
ASK = calling(Call('ask', '', id='a'))


def because(
    error: str, place: str = '', name: str = '', step: int = 0, *, agent: str = 'truth', **expected: Any
) -> Expected:
    """What is recorded of a run that failed for that reason."""
    failure = FailureRecord(agent=agent, error=error, place=place, name=name, step=step)  # type: ignore[arg-type]
    facts: dict[str, tuple[object, ...]] = {'run.failure': (failure,), **expected.pop('facts', {})}
    run: str = expected.pop('run', f'error {error}')
    return Expected(run, facts=facts, **expected)


MODEL = because(HTTP, 'model', 'openai:gpt-4.1-mini', 1, requests=(f'error {HTTP}',))


@CAUSES.case([BREAKS], MODEL, raises=ModelHTTPError)
async def model(w: World) -> None:
    """The model refuses the first request."""
    await w.run(w.agent())


@CAUSES.case([BREAKS], MODEL, doors=('capability',), raises=ModelHTTPError)
async def model_unstreamed(w: World) -> None:
    """The model refuses the first request of a run that nobody streams."""
    await w.run(w.agent(stream=False))


@CAUSES.case(
    [calling(Call('nap', '')), ERROR],
    because(HTTP, 'model', 'openai:gpt-4.1-mini', 2, requests=('success', f'error {HTTP}'), tools=('nap success',)),
    raises=ModelHTTPError,
)
async def model_after_tool(w: World) -> None:
    """The model breaks off in the second step."""
    await w.run(w.agent(tools=[w.tool('nap')]))


TOOL = because('ValueError', 'tool', 'risky', 1, tools=('risky error ValueError',))
RISKY = calling(Call('risky', '', id='r'))


@CAUSES.case([RISKY], TOOL, raises=ValueError)
async def tool(w: World) -> None:
    """A tool raises."""
    await w.run(w.agent(tools=[raising(w, 'risky', lambda: ValueError('no'))]))


@CAUSES.case([RISKY], TOOL, doors=('capability',), raises=ValueError)
async def tool_unstreamed(w: World) -> None:
    """A tool raises in a run that nobody streams."""
    await w.run(w.agent(tools=[raising(w, 'risky', lambda: ValueError('no'))], stream=False))


@CAUSES.case(
    in_turn(RISKY, RISKY),
    because(
        'UnexpectedModelBehavior',
        'tool',
        'risky',
        2,
        requests=('success', 'success'),
        tools=('risky retried model_retry', 'risky error UnexpectedModelBehavior'),
    ),
    raises=UnexpectedModelBehavior,
)
async def tool_too_often(w: World) -> None:
    """A tool asks for one try more than it may."""
    await w.run(w.agent(tools=[raising(w, 'risky', lambda: ModelRetry('again'), times=2)], retries=1))


@CAUSES.case(
    in_turn_of_each({INNER: (BREAKS,)}, ASK),
    because(
        HTTP,
        'model',
        'openai:gpt-4.1-nano',
        1,
        agent='inner',
        requests=('success', f'error {HTTP}'),
        tools=(f'ask error {HTTP}',),
        nested={'inner': f'error {HTTP}'},
        facts={
            'nested.failure': (
                FailureRecord(agent='inner', error=HTTP, place='model', name='openai:gpt-4.1-nano', step=1),
            )
        },
    ),
    raises=ModelHTTPError,
)
async def called_run(w: World) -> None:
    """A run that a tool calls fails, and the tool with it."""
    agent = inner(w)
    await w.run(w.agent(tools=[asking(w, lambda: w.run(agent))]))


@CAUSES.case(
    in_turn_of_each({INNER: (RISKY,), MIDDLE: (calling(Call('dig', '', id='d')),)}, ASK),
    because(
        'ValueError',
        'tool',
        'risky',
        1,
        agent='inner',
        requests=('success',) * 3,
        tools=('ask error ValueError', 'dig error ValueError', 'risky error ValueError'),
        nested={'middle': 'error ValueError', 'inner': 'error ValueError'},
        parents={'inner': 'middle'},
    ),
    raises=ValueError,
)
async def called_twice(w: World) -> None:
    """A tool raises in a run that is called by a run that is called."""
    innermost = inner(w, tools=[raising(w, 'risky', lambda: ValueError('no'))])
    middle = w.agent(w.model(MIDDLE), name='middle', tools=[asking(w, lambda: w.run(innermost), 'dig')])
    await w.run(w.agent(tools=[asking(w, lambda: w.run(middle))]))


@CAUSES.case(
    in_turn_of_each({INNER: (BREAKS,)}, ASK, SHORT),
    Expected(
        requests=('success', f'error {HTTP}', 'success'),
        tools=('ask success',),
        nested={'inner': f'error {HTTP}'},
        facts={'run.failure': (None,)},
    ),
)
async def survived(w: World) -> None:
    """A run that is called fails, and its caller goes on."""
    agent = inner(w)

    async def anyway() -> None:
        with contextlib.suppress(ModelHTTPError):
            await w.run(agent)

    await w.run(w.agent(tools=[asking(w, anyway)]))


@CAUSES.case(
    [calling(Call('nap', ''))],
    because('UsageLimitExceeded', run='limit UsageLimitExceeded', tools=('nap success',)),
    raises=UsageLimitExceeded,
)
async def limit(w: World) -> None:
    """A limit, which is nobody's failure."""
    await w.run(w.agent(tools=[w.tool('nap')]), usage_limits=UsageLimits(request_limit=1))


@CAUSES.case(
    [SILENT],
    because('RunTimedOut', 'model', 'openai:gpt-4.1-mini', 1, run='timeout RunTimedOut', requests=('timeout',)),
    raises=RunTimedOut,
)
async def timeout(w: World) -> None:
    """The run's time is up while the model is silent."""
    await w.run(w.agent(), timeout=0.2)


@CAUSES.case(
    in_turn_of_each({'gpt-5-mini': (BREAKS,)}, SHORT),
    Expected(
        requests=(f'error {HTTP}', 'success'),
        models=('gpt-5-mini', 'gpt-4.1-mini'),
        facts={'run.failure': (None,)},
    ),
    doors=('capability',),
)
async def fallback(w: World) -> None:
    """A candidate of a fallback fails, and another answers."""
    await w.run(w.agent(FallbackModel(w.model('gpt-5-mini'), w.model())))

"""Models around models: fallbacks, limits on how many go on at once, retries of the SDK."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic_ai import ModelResponse  # noqa: TC002 - pydantic-ai reads the hint of `is_bad`
from pydantic_ai.capabilities import AbstractCapability, ModelFallback
from pydantic_ai.exceptions import FallbackExceptionGroup, ModelAPIError
from pydantic_ai.models.concurrency import ConcurrencyLimitedModel
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.instrumented import InstrumentationSettings, InstrumentedModel

from streamtap.testing import Call, Drop, Fail, Reply, Say, TokenUsage
from truth.capabilities import Recovers
from truth.case import Expected, Group
from truth.replies import PACE, SHORT, TEXT, calling

if TYPE_CHECKING:
    from pydantic_ai.models import Model

    from streamtap.testing import ChatRequest
    from truth.world import World

WRAPPERS = Group('Model wrappers')

NAMES = ('first', 'second', 'third')
REFUSED = 'error ModelHTTPError_429'
BUSY = Reply((Fail('slow down', 429),), status=429, headers_after=0.08)


def models(w: World, *names: str) -> list[Model]:
    """Models of those names."""
    return [w.model(name) for name in names]


def refusing(*names: str, text: Reply = SHORT) -> Any:
    """A script: some models are busy, and say so late; the others write a text, in two steps where there are tools."""

    def answer(request: ChatRequest) -> Reply:
        if request.model in names:
            return BUSY
        has_results = any(message.get('role') == 'tool' for message in request.messages)
        return calling(Call('nap', {}, id='n')) if request.tools and not has_results else text

    return answer


ONE_FAILS = Expected(requests=(REFUSED, 'success'), models=NAMES[:2])


@WRAPPERS.case(refusing('first', text=TEXT), ONE_FAILS)
async def a_fallback(w: World) -> None:
    """`FallbackModel` whose first model is busy."""
    await w.run(w.agent(FallbackModel(*models(w, *NAMES[:2]))))


@WRAPPERS.case(refusing('first', text=TEXT), ONE_FAILS)
async def a_fallback_capability(w: World) -> None:
    """`ModelFallback` whose first model is busy."""
    await w.run(w.agent(w.model('first'), capabilities=[ModelFallback(w.model('second'))]))


@WRAPPERS.case(refusing('first'), ONE_FAILS, doors=('capability',))
async def an_unstreamed_fallback(w: World) -> None:
    """`FallbackModel` whose first model is busy, not streamed."""
    await w.run(w.agent(FallbackModel(*models(w, *NAMES[:2])), stream=False))


@WRAPPERS.case(refusing('first'), ONE_FAILS, doors=('capability',))
async def an_unstreamed_fallback_capability(w: World) -> None:
    """`ModelFallback` whose first model is busy, not streamed."""
    await w.run(w.agent(w.model('first'), capabilities=[ModelFallback(w.model('second'))], stream=False))


TWO_FAIL = Expected(requests=(REFUSED, REFUSED, 'success'), models=NAMES)


@WRAPPERS.case(refusing('first', 'second'), TWO_FAIL)
async def two_fallbacks(w: World) -> None:
    """`FallbackModel` whose third model answers."""
    await w.run(w.agent(FallbackModel(*models(w, *NAMES))))


@WRAPPERS.case(refusing('first', 'second'), TWO_FAIL)
async def two_fallbacks_of_a_capability(w: World) -> None:
    """`ModelFallback` whose third model answers."""
    await w.run(w.agent(w.model('first'), capabilities=[ModelFallback(*models(w, *NAMES[1:]))]))


@WRAPPERS.case(
    refusing('second'), Expected(requests=('success', 'success'), tools=('nap success',), models=('first',) * 2)
)
async def a_fallback_unused(w: World) -> None:
    """`FallbackModel` whose first model answers, with a tool."""
    await w.run(w.agent(FallbackModel(*models(w, *NAMES[:2])), tools=[w.tool('nap')]))


FAILS_EACH_STEP = Expected(requests=(REFUSED, 'success') * 2, models=('first', 'second') * 2, tools=('nap success',))


@WRAPPERS.case(refusing('first'), FAILS_EACH_STEP)
async def a_fallback_in_each_step(w: World) -> None:
    """`FallbackModel` whose first model is busy, before a tool and after."""
    await w.run(w.agent(FallbackModel(*models(w, *NAMES[:2])), tools=[w.tool('nap')]))


@WRAPPERS.case(refusing('first'), FAILS_EACH_STEP)
async def a_fallback_capability_in_each_step(w: World) -> None:
    """`ModelFallback` whose first model is busy, before a tool and after."""
    agent = w.agent(w.model('first'), capabilities=[ModelFallback(w.model('second'))], tools=[w.tool('nap')])
    await w.run(agent)


@WRAPPERS.case(
    refusing('first'),
    Expected(requests=(REFUSED, 'success', 'success'), models=('first', 'second', 'second'), tools=('nap success',)),
)
async def a_sticky_fallback(w: World) -> None:
    """`ModelFallback` that stays with the model that answered."""
    fallback = ModelFallback(w.model('second'), sticky=True)
    await w.run(w.agent(w.model('first'), capabilities=[fallback], tools=[w.tool('nap')]))


FAILS = Expected(f'error {REFUSED.partition(" ")[2]}', requests=(REFUSED,))


@WRAPPERS.case([BUSY], FAILS, raises=ModelAPIError)
async def busy(w: World) -> None:
    """A model that is busy."""
    await w.run(w.agent())


@WRAPPERS.case([replace(BUSY, headers_after=0.3)], FAILS, raises=ModelAPIError)
async def not_recovered(w: World) -> None:
    """A model that is busy, and a capability that may recover it and does not."""
    await w.run(w.agent(capabilities=[Recovers()]))


@dataclass
class Asks(AbstractCapability[Any]):
    """Sends every request to another model than the agent's."""

    model: Model

    async def before_model_request(self, ctx: Any, request_context: Any) -> Any:
        request_context.model = self.model
        return request_context


@WRAPPERS.case([SHORT], Expected(models=('other',)))
async def another_model(w: World) -> None:
    """A capability that asks another model than the agent's."""
    await w.run(w.agent(capabilities=[Asks(w.model('other'))]))


ALL_FAIL = Expected('error FallbackExceptionGroup', requests=(REFUSED, REFUSED), models=NAMES[:2])


@WRAPPERS.case(refusing('first', 'second'), ALL_FAIL, raises=FallbackExceptionGroup)
async def no_fallback_left(w: World) -> None:
    """`FallbackModel` all of whose models are busy."""
    await w.run(w.agent(FallbackModel(*models(w, *NAMES[:2]))))


@WRAPPERS.case(refusing('first', 'second'), ALL_FAIL, raises=FallbackExceptionGroup)
async def no_fallback_of_the_capability_left(w: World) -> None:
    """`ModelFallback` all of whose models are busy."""
    await w.run(w.agent(w.model('first'), capabilities=[ModelFallback(w.model('second'))]))


def bad_then_good(request: ChatRequest) -> Reply:
    """The first model's answer is bad, and billed."""
    return Reply((Say('bad' if request.model == 'gpt-4.1-mini' else 'good'),), **PACE, usage=TokenUsage(7, 5, 3, 2))


def is_bad(response: ModelResponse) -> bool:
    """Rejects the answer of the first model."""
    return response.text == 'bad'


REJECTED = Expected(requests=('error ResponseRejected', 'success'), models=('gpt-4.1-mini', 'gpt-4.1'))


@WRAPPERS.case(bad_then_good, REJECTED, doors=('capability',))
async def an_answer_rejected(w: World) -> None:
    """`FallbackModel` that rejects the first model's answer, not streamed."""
    model = FallbackModel(*models(w, 'gpt-4.1-mini', 'gpt-4.1'), fallback_on=[is_bad])
    await w.run(w.agent(model, stream=False))


@WRAPPERS.case(bad_then_good, REJECTED, doors=('capability',))
async def an_answer_rejected_by_the_capability(w: World) -> None:
    """`ModelFallback` that rejects the first model's answer, not streamed."""
    fallback = ModelFallback(w.model('gpt-4.1'), fallback_on=[is_bad])
    await w.run(w.agent(capabilities=[fallback], stream=False))


BREAKS = Reply((*TEXT.steps[:6], Drop()), **PACE)


@WRAPPERS.case(
    [BREAKS],
    Expected('error ModelConnectionError', requests=('error ModelConnectionError',), models=('first',)),
    raises=ModelAPIError,
)
async def a_fallback_that_comes_too_late(w: World) -> None:
    """`FallbackModel` whose first model breaks off in its text."""
    await w.run(w.agent(FallbackModel(*models(w, *NAMES[:2]))))


async def two_at_once(w: World, agent: Any) -> None:
    """Two runs of an agent that lets one go on at a time: how long the second waits for the first."""

    async def first() -> float:
        await w.run(agent)
        return time.perf_counter()

    async def second() -> float:
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        await w.run(agent)
        return began

    until, since = await asyncio.gather(first(), second())
    w.spent['queue'] = until - since
    w.waiting[1] = since


BOTH = Expected('success, success', requests=('success', 'success'))


@WRAPPERS.case([SHORT, SHORT], BOTH, but={'capability': {'phases': ('queue',)}})
async def one_run_at_a_time(w: World) -> None:
    """`Agent(max_concurrency=1)`, two runs at once."""
    await two_at_once(w, w.agent(max_concurrency=1))


@WRAPPERS.case([SHORT, SHORT], replace(BOTH, phases=('queue',)), doors=('capability',))
async def one_unstreamed_run_at_a_time(w: World) -> None:
    """`Agent(max_concurrency=1)`, two runs at once, not streamed."""
    await two_at_once(w, w.agent(max_concurrency=1, stream=False))


@WRAPPERS.case([SHORT, SHORT], replace(BOTH, counts_before=True))
async def one_request_at_a_time(w: World) -> None:
    """`ConcurrencyLimitedModel(1)`, two runs at once: the queue is in the time to first token."""
    await two_at_once(w, w.agent(ConcurrencyLimitedModel(w.model(), 1)))


@WRAPPERS.case([BUSY, SHORT], Expected(counts_before=True))
async def retried_by_the_sdk(w: World) -> None:
    """A busy model that the SDK asks again: the waiting is in the time to first token."""
    w.client.max_retries = 1
    try:
        await w.run(w.agent())
    finally:
        w.waiting[1] = w.provider.served[0].received_at


@WRAPPERS.case([SHORT], Expected())
async def instrumented(w: World) -> None:
    """A model in an `InstrumentedModel`."""
    await w.run(w.agent(InstrumentedModel(w.model(), InstrumentationSettings())))


@WRAPPERS.case(refusing('first'), ONE_FAILS)
async def instrumented_fallback(w: World) -> None:
    """A `FallbackModel` in an `InstrumentedModel`, its candidates limited."""
    candidates = [ConcurrencyLimitedModel(model, 3) for model in models(w, *NAMES[:2])]
    await w.run(w.agent(InstrumentedModel(FallbackModel(*candidates), InstrumentationSettings())))

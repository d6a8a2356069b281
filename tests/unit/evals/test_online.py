"""Online evaluation: the same evaluators on the runs of an application."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip('pydantic_evals', reason='`make evals` makes an environment that has it')

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from pydantic_evals.online import OnlineEvalConfig
from pydantic_evals.online_capability import OnlineEvaluation

from streamtap import Tap
from streamtap.evals import EvalSink, FirstOutputWithin, MaxRepeatedToolCalls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_evals.evaluators import EvaluationResult, EvaluatorContext, EvaluatorFailure


@pytest.mark.parametrize('is_outside', [True, False], ids=['around the tap', 'inside the tap'])
def test_each_run_is_judged(*, is_outside: bool):
    """Wherever the capability stands."""
    judged: dict[str, object] = {}

    def keep(
        results: Sequence[EvaluationResult], failures: Sequence[EvaluatorFailure], context: EvaluatorContext[Any]
    ) -> None:
        assert not failures
        judged.update({result.name: result.value for result in results})
        if len(judged) == 2:
            done.set()

    done = asyncio.Event()

    async def main() -> None:
        tap = Tap([EvalSink()])
        config = OnlineEvalConfig(default_sink=keep, emit_otel_events=False)
        online = OnlineEvaluation(evaluators=[FirstOutputWithin(5), MaxRepeatedToolCalls(0)], config=config)
        capabilities: list[Any] = [tap.capability(stream=True)]
        capabilities.insert(0 if is_outside else 1, online)
        await Agent(TestModel(), capabilities=capabilities).run('hello')
        await asyncio.wait_for(done.wait(), 10)

    asyncio.run(main())
    assert judged == {'FirstOutputWithin': True, 'MaxRepeatedToolCalls': True}

"""Evaluators that limit what a case took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic_evals.evaluators import EvaluationReason, Evaluator

from streamtap._budgets.measured import Measured
from streamtap._budgets.quantities import QUANTITIES, judge
from streamtap.evals._sink import ATTRIBUTE

if TYPE_CHECKING:
    from pydantic_evals.evaluators import EvaluatorContext

    from streamtap._budgets.quantities import QuantityName

NOTHING = (
    'nothing was measured in this case: give your tap an EvalSink(), and plug that tap into the agents that the task '
    'runs (STREAMTAP_DISABLED=1 switches taps off)'
)


def _verdict(name: QuantityName, limit: float, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
    measured = ctx.attributes.get(ATTRIBUTE)
    if not isinstance(measured, Measured):
        return EvaluationReason(value=False, reason=NOTHING)
    verdict = judge(name, limit, measured)
    return EvaluationReason(value=verdict.kept, reason=verdict.reason)


@dataclass(repr=False)
class FirstOutputWithin(Evaluator[object, object, object]):
    """Asserts that users saw something soon: that no run's first output came later.

    Args:
        seconds: How late it may come, in seconds after the start of the run.

    Raises:
        TypeError: If that is not a number.
        ValueError: If it is not above 0.
    """

    seconds: float

    def __post_init__(self) -> None:
        QUANTITIES['first_output'].check('seconds', self.seconds)

    def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
        """Judge a case."""
        return _verdict('first_output', self.seconds, ctx)


@dataclass(repr=False)
class RunWithin(Evaluator[object, object, object]):
    """Asserts that no run took longer.

    Args:
        seconds: How long one may take.

    Raises:
        TypeError: If that is not a number.
        ValueError: If it is not above 0.
    """

    seconds: float

    def __post_init__(self) -> None:
        QUANTITIES['run'].check('seconds', self.seconds)

    def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
        """Judge a case."""
        return _verdict('run', self.seconds, ctx)


@dataclass(repr=False)
class MaxCost(Evaluator[object, object, object]):
    """Asserts that all runs of a case together did not cost more.

    Args:
        usd: How much they may cost, in US dollars.

    Raises:
        TypeError: If that is not a number.
        ValueError: If it is below 0.
    """

    usd: float

    def __post_init__(self) -> None:
        QUANTITIES['cost'].check('usd', self.usd)

    def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
        """Judge a case."""
        return _verdict('cost', self.usd, ctx)


@dataclass(repr=False)
class MaxStallSeconds(Evaluator[object, object, object]):
    """Asserts that no response fell silent for longer once it had begun, whatever the tap's `stall_after`.

    Args:
        seconds: How long a silence may be.

    Raises:
        TypeError: If that is not a number.
        ValueError: If it is not above 0.
    """

    seconds: float

    def __post_init__(self) -> None:
        QUANTITIES['stall'].check('seconds', self.seconds)

    def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
        """Judge a case."""
        return _verdict('stall', self.seconds, ctx)


@dataclass(repr=False)
class MinTokensPerSecond(Evaluator[object, object, object]):
    """Asserts that no response came more slowly, of those that are long enough to have a speed.

    Args:
        rate: How many output tokens per second are enough.

    Raises:
        TypeError: If that is not a number.
        ValueError: If it is below 0.
    """

    rate: float

    def __post_init__(self) -> None:
        QUANTITIES['tokens_per_second'].check('rate', self.rate)

    def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
        """Judge a case."""
        return _verdict('tokens_per_second', self.rate, ctx)


@dataclass(repr=False)
class MaxRepeatedToolCalls(Evaluator[object, object, object]):
    """Asserts that agents were not in a loop: that few tool calls repeated two or more before them in the same run.

    A call repeats another of the same tool with the same arguments.

    Args:
        count: How many such calls there may be; 0 for none.

    Raises:
        TypeError: If that is not a whole number.
        ValueError: If it is below 0.
    """

    count: int

    def __post_init__(self) -> None:
        QUANTITIES['repeated_tool_calls'].check('count', self.count)

    def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
        """Judge a case."""
        return _verdict('repeated_tool_calls', self.count, ctx)


@dataclass(repr=False)
class ObjectiveMet(Evaluator[object, object, object]):
    """Asserts that every run that nobody called met its agent's objective, of those that count for it.

    The objective is that of the tap: `Tap([EvalSink()], objective=Objective(first_output=2.0))`.
    """

    def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
        """Judge a case."""
        return _verdict('objective_missed', 0, ctx)


@dataclass(repr=False)
class MaxContextUsed(Evaluator[object, object, object]):
    """Asserts that no response took a greater share of its model's context window, its prompt and itself.

    Args:
        share: How much it may take, such as 0.8.

    Raises:
        TypeError: If that is not a number.
        ValueError: If it is not above 0, or is above 1.
    """

    share: float

    def __post_init__(self) -> None:
        QUANTITIES['context_used'].check('share', self.share)

    def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
        """Judge a case."""
        return _verdict('context_used', self.share, ctx)


@dataclass(repr=False)
class MaxCacheMissedTokens(Evaluator[object, object, object]):
    """Asserts that few tokens were bought again although the conversation's last request had left them in the cache.

    Args:
        count: How many tokens there may be; 0 for none.

    Raises:
        TypeError: If that is not a whole number.
        ValueError: If it is below 0.
    """

    count: int

    def __post_init__(self) -> None:
        QUANTITIES['cache_missed_tokens'].check('count', self.count)

    def evaluate(self, ctx: EvaluatorContext[object, object, object]) -> EvaluationReason:
        """Judge a case."""
        return _verdict('cache_missed_tokens', self.count, ctx)


EVALUATORS = (
    FirstOutputWithin,
    RunWithin,
    MaxCost,
    MaxStallSeconds,
    MinTokensPerSecond,
    MaxRepeatedToolCalls,
    ObjectiveMet,
    MaxContextUsed,
    MaxCacheMissedTokens,
)
"""All of them, for datasets in files: `Dataset.from_file(path, custom_evaluator_types=EVALUATORS)`."""

"""What a budget may limit: how each is called, checked, shown and compared."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streamtap._base.checks import check_at_least, check_positive, check_whole
from streamtap._display.text import dollars, percentage, rate, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamtap._budgets.measured import Figure, Measured

QuantityName = Literal[
    'first_output',
    'run',
    'stall',
    'tokens_per_second',
    'cost',
    'requests',
    'tool_calls',
    'repeated_tool_calls',
    'objective_missed',
    'context_used',
    'cache_missed_tokens',
]
"""The names of the figures of `Measured` that may be limited."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a limit was kept, and why.

    Args:
        kept: Whether it was; one whose figure is not known was not.
        reason: The figure, beside the limit that it broke; or what is missing, and what helps.
    """

    kept: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A figure that may be limited.

    Args:
        what: What it is, for people.
        nothing: Why nothing may be known of it.
        check: Rejects what is no limit of it; takes the name of the argument, and the limit.
        shown: Writes a value of it.
        breaks: Whether a value breaks a limit.
        bound: What its limit is: `at most`, or `at least`.
    """

    what: str
    nothing: str
    check: Callable[[str, object], None]
    shown: Callable[[float], str]
    breaks: Callable[[float, float], bool] = operator.gt
    bound: str = 'at most'

    def judge(self, limit: float, figure: Figure, still_open: str | None) -> Verdict:
        """Compare the figure with its limit.

        Args:
            limit: The limit.
            figure: The figure.
            still_open: Why no figure is whole, if a run has not ended.
        """
        of = '' if figure.of is None else f' ({figure.of})'
        if figure.value is None:
            return Verdict(
                kept=False, reason=f'{self.what}: not known, as {still_open or figure.missing or self.nothing}'
            )
        said = f'{self.what}: {self.shown(figure.value)}{of}'
        if self.breaks(figure.value, limit):
            return Verdict(kept=False, reason=f'{said}, {self.bound} {self.shown(limit)}')
        if missing := still_open or figure.missing:
            return Verdict(kept=False, reason=f'{said}, but perhaps not all of it, as {missing}')
        return Verdict(kept=True, reason=said)


def _check_dollars(name: str, limit: object) -> None:
    check_at_least(name, limit, 0, 'US dollars')


def _check_rate(name: str, limit: object) -> None:
    check_at_least(name, limit, 0, 'tokens per second')


def _check_share(name: str, limit: object) -> None:
    if isinstance(limit, bool) or not isinstance(limit, (int, float)):
        raise TypeError(f'{name} must be a share, such as 0.8, not {limit!r}')
    if not 0 < limit <= 1:
        raise ValueError(f'{name} must be above 0 and at most 1, as a share such as 0.8, not {limit!r}')


def _check_count(name: str, limit: object) -> None:
    check_whole(name, limit, at_least=0)


def _count(value: float) -> str:
    return f'{value:.0f}'


QUANTITIES: Mapping[QuantityName, Quantity] = {
    'first_output': Quantity('first output', 'no run had one', check_positive, seconds),
    'run': Quantity('longest run', 'nobody saw the end of a run', check_positive, seconds),
    'stall': Quantity('longest silence', 'no stream was seen', check_positive, seconds),
    'tokens_per_second': Quantity(
        'lowest tokens per second',
        'no response had any: it takes a stream, tokens that the provider reports, and more than a few of them',
        _check_rate,
        rate,
        operator.lt,
        'at least',
    ),
    'cost': Quantity('cost', 'no response had a price', _check_dollars, dollars),
    'requests': Quantity('requests', 'no run was seen', _check_count, _count),
    'tool_calls': Quantity('tool calls', 'no run was seen', _check_count, _count),
    'repeated_tool_calls': Quantity('repeated tool calls', 'no run was seen', _check_count, _count),
    'objective_missed': Quantity('runs that missed their objective', 'no run was seen', _check_count, _count),
    'context_used': Quantity('fullest context', 'no response said how full it was', _check_share, percentage),
    'cache_missed_tokens': Quantity(
        'tokens bought again',
        'no request followed another one of its conversation',
        _check_count,
        _count,
    ),
}


def judge(name: QuantityName, limit: float, measured: Measured) -> Verdict:
    """Compare a figure with its limit.

    Args:
        name: Which figure.
        limit: Its limit.
        measured: What was measured.
    """
    return QUANTITIES[name].judge(limit, getattr(measured, name), measured.still_open())

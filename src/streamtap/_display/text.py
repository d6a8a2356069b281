"""Numbers as text, for terminals and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from streamtap._records.words import RunOutcome, ToolOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


MOST_DECIMALS = 12
"""How many decimals a cost has at most: single requests of small models cost a few millionths."""


def model_name(provider: str, model: str) -> str:
    """The name of a model, with its provider where that is known."""
    return f'{provider}:{model}' if provider else model


def seconds(value: object) -> str:
    """A duration with its unit; `-` where none was observed."""
    if not isinstance(value, (int, float)):
        return '-'
    if 0 < value < 0.001:
        return '<1 ms'
    return f'{value * 1000:.0f} ms' if value < 1 else f'{value:.2f} s'


def dollars(value: object) -> str:
    """A cost in US dollars: cents, and below $1 three digits that count; `-` where none is known."""
    if not isinstance(value, (int, float)):
        return '-'
    # A sum of many may lie just beside the number that it stands for.
    value = float(f'{value:.12g}')
    # As rounded, so that $0.9996 is $1.00.
    exponent = int(f'{value:.2e}'.partition('e')[2]) if value > 0 else 0
    whole, _, decimals = f'{value:,.{min(MOST_DECIMALS, max(2, 2 - exponent))}f}'.partition('.')
    return f'${whole}.{decimals[:2]}{decimals[2:].rstrip("0")}'


def percentage(value: object) -> str:
    """A share, as a percentage; `-` where none is known.

    One of more than none is never `0.0%`, and one of less than all never `100.0%`.
    """
    if not isinstance(value, (int, float)):
        return '-'
    if 0 < value < 0.001:
        return '<0.1%'
    shown = f'{value:.1%}'
    return '99.9%' if value < 1 and shown == '100.0%' else shown


def if_known(value: object) -> str:
    """A number, 0 included; `-` where it is not known."""
    return '-' if value is None else str(value)


def unless_none(value: object, shown: Callable[[object], str] = '{:,}'.format) -> str:
    """A number, or `-` where it is 0 or not known."""
    return shown(value) if value else '-'


def counts(found: object) -> str:
    """How often each of some things was there, such as `2 first output, 1 cost`; `-` where nothing was."""
    each: dict[str, int] = found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    return ', '.join(f'{count:,} {name.replace("_", " ")}' for name, count in each.items()) or '-'


def rate(value: object) -> str:
    """A speed, without its unit; `-` where none was observed."""
    if not isinstance(value, (int, float)):
        return '-'
    return f'{value:.0f}' if value >= 9.95 else f'{value:.1f}'.removesuffix('.0') if value >= 0.05 else '<0.1'


def plural(number: int, what: str) -> str:
    """A number of things, such as `1 request` or `2 requests`."""
    return f'{number:,} {what}{"" if number == 1 else "s"}'


def outcome_counts(outcomes: object, *, only: Collection[str] = (), other_than: Collection[str] = ()) -> str:
    """The counts by outcome, without the successes: of some outcomes only, or of others; `-` where there is none."""
    counts: dict[str, int] = outcomes if isinstance(outcomes, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    hidden = {'success', *other_than}
    shown = [
        plural(count, name) if name in _NOUNS else f'{count:,} {name}'
        for name, count in sorted(counts.items(), key=lambda each: _ORDER.get(each[0], len(_ORDER)))
        if name not in hidden and (not only or name in only)
    ]
    return ', '.join(shown) or '-'


_ORDER = {
    outcome: place for place, outcome in enumerate(dict.fromkeys((*get_args(RunOutcome), *get_args(ToolOutcome))))
}
"""The same in every row, whatever came first."""

_NOUNS = 'error', 'timeout', 'limit'
"""The outcomes of which several have a plural."""

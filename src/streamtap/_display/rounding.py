"""Figures in data for programs, as a person would round them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIGITS = 6
"""How many significant digits a figure has at most."""

LEAST_DECIMALS = 3
"""How many decimals it may have, however large it is."""

_Data = TypeVar('_Data')


def rounded(data: _Data) -> _Data:
    """The same data, each number in it rounded to six significant digits, a large one to a thousandth; counts stay whole.

    Args:
        data: A value as JSON has it: an object, an array, a number, text or nothing.
    """
    return cast('_Data', _rounded(data))


def _rounded(data: object) -> object:
    if isinstance(data, float):
        return _number(data)
    if isinstance(data, dict):
        return {key: _rounded(value) for key, value in cast('Mapping[object, object]', data).items()}
    if isinstance(data, (list, tuple)):
        return [_rounded(value) for value in cast('Sequence[object]', data)]
    return data


def _number(number: float) -> float:
    if not number or not math.isfinite(number):
        return number
    return round(number, max(LEAST_DECIMALS, DIGITS - 1 - math.floor(math.log10(abs(number)))))

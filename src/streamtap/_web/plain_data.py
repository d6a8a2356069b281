"""Plain data, as the browser gets it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json: TypeAlias = 'Mapping[str, Json] | Sequence[Json] | str | float | bool | None'
Document: TypeAlias = 'dict[str, Json]'


def short(number: float | None) -> float | None:
    """A number with seven significant digits, so that rounding it again makes no difference.

    `None` where JSON cannot represent it.
    """
    return None if number is None or not math.isfinite(number) else float(f'{number:.7g}')

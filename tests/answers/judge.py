"""What is shown beside what is exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from answers.exact import Answers

MOST_OF_COUNTS = 0.01
"""How far counts, sums and shares may be from the exact ones."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One number that a person reads.

    Args:
        where: Where it is read.
        question: What its title asks.
        labels: Of what.
        kind: `count`, `sum`, `share` or `quantile`.
        exact: The exact answer, for people.
        shown: What is shown; `None` if nothing is.
        error: How far that is off, as a share of the exact answer.
    """

    where: str
    question: str
    labels: tuple[str, ...]
    kind: str
    exact: str
    shown: float | None
    error: float


def judged(
    where: str,
    question: str,
    exact: Answers,
    shown: Mapping[tuple[str, ...], float],
    *,
    leaves_out: Literal['nothing', 'few values'] = 'nothing',
) -> list[Judged]:
    """Every number that answers a question, and every one that is missing or too many.

    Args:
        where: Where they are read.
        question: What their title asks.
        exact: The exact answers.
        shown: What is shown.
        leaves_out: Which of the shown numbers are not judged: quantiles of few values have no exact answer here.
    """
    rows = [
        Judged(where, question, labels, answer.kind, str(answer), shown.get(labels), answer.error(shown.get(labels)))
        for labels, answer in exact.items()
    ]
    if leaves_out == 'nothing':
        rows += [
            Judged(where, question, labels, 'count', 'nothing', value, math.inf)
            for labels, value in shown.items()
            if labels not in exact and value and not math.isnan(value)
        ]
    return rows


def worst(rows: Iterable[Judged], *, quantiles: bool) -> float:
    """The worst error of counts, sums and shares; of quantiles the 90th percentile.

    Args:
        rows: What was judged.
        quantiles: Which of the two.
    """
    errors = sorted(row.error for row in rows if (row.kind == 'quantile') is quantiles)
    if not errors:
        return 0.0
    return errors[math.ceil(0.9 * len(errors)) - 1] if quantiles else errors[-1]

"""The gate fails a build for nothing no more often than docs/report.md says: in one of twenty builds at most."""

from __future__ import annotations

import itertools

import pytest

from streamtap._report import statistics
from support.random_journals import Work, budgets_fail, comparison_fails, samples

STATED = 0.05
"""The share of builds."""

# A month and a quick test differ in how many there are; `make gate-rates` tries thousands, also of more runs.
WORKS = (
    Work(runs=8),
    Work(runs=25),
    Work(runs=20, alike=1.0, calls=12),
    Work(runs=25, calls=8, bad=0.1, failing=0.1),
)


def test_the_same_work_is_not_called_worse():
    """Of 200 pairs of journals, with few runs and more, runs that are alike and runs that are not, and failing tools."""
    pairs = [(work, 2 * number) for number, work in zip(range(200), itertools.cycle(WORKS))]
    failed = sum(comparison_fails(samples(work, seed), samples(work, seed + 1)) for work, seed in pairs)
    assert failed <= STATED * len(pairs)


@pytest.mark.parametrize('work', WORKS, ids=['few', 'some', 'alike', 'failing'])
def test_budgets_that_are_just_kept_are_not_called_missed(work: Work):
    """Of 200 journals, each with eight budgets whose limits are what is true of the work."""
    failed = sum(budgets_fail(work.budgets(), samples(work, seed)) for seed in range(200))
    assert failed <= STATED * 200


def test_it_is_the_values_of_a_run_that_would_raise_false_alarms(monkeypatch: pytest.MonkeyPatch):
    """Were they taken as independent, budgets that are just kept would fail one build in four."""
    monkeypatch.setattr(statistics, '_worth', lambda _, runs, __: len(runs))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    work = WORKS[2]
    failed = sum(budgets_fail(work.budgets(), samples(work, seed)) for seed in range(60))
    assert failed > 0.2 * 60


def test_what_takes_twice_as_long_is_called_worse():
    """In each of ten pairs of 150 runs."""
    before, after = Work(runs=150), Work(runs=150, slower=2.0)
    assert all(comparison_fails(samples(before, seed), samples(after, 100 + seed)) for seed in range(10))

"""The soak's own judge, and the soak in small: what it says must be able to be wrong."""

from __future__ import annotations

from random import Random

import pytest
from prometheus_client import CollectorRegistry

from soak.faults import faults
from soak.judge import Row, at_least, at_most, compare, exactly, table
from soak.ledger import Ledger, series
from soak.load import Load
from soak.plan import draw
from soak.recorded import COUNTED, scraped
from streamtap import PrometheusSink, Tap

RUNS = 'pydantic_ai_runs_total'
MINE = series(RUNS, agent='mine')
YOURS = series(RUNS, agent='yours')


def test_equal_totals_of_different_series_differ():
    """A run that is counted for another agent is no less wrong than one that is not counted."""
    (row,) = compare([RUNS], Ledger({MINE: 2, YOURS: 1}), Ledger({MINE: 1, YOURS: 2}))
    assert (row.expected, row.found, row.verdict) == ('3', '3', 'DIFFERS')
    assert row.faults == ("{agent='mine'}: 2 happened, 1 recorded", "{agent='yours'}: 1 happened, 2 recorded")


def test_what_only_the_tap_saw_differs():
    """A series of which the ledger knows nothing is wrong, too."""
    (row,) = compare([RUNS], Ledger(), Ledger({MINE: 1}))
    assert row.faults == ("{agent='mine'}: 0 happened, 1 recorded",)


@pytest.mark.parametrize(
    ('row', 'verdict'),
    [
        (exactly('open runs', 0, 0), 'equal'),
        (exactly('open runs', 0, 1), 'DIFFERS'),
        (at_most('memory', 2.0, 1.9), 'ok'),
        (at_most('memory', 2.0, 2.1), 'DIFFERS'),
        (at_least('runs at once', 10, 10), 'ok'),
        (at_least('runs at once', 10, 9), 'DIFFERS'),
    ],
)
def test_limits_are_limits(row: Row, verdict: str):
    """Each kind of row can be right and wrong, and the table says which."""
    assert row.verdict == verdict
    assert f'| {verdict} |' in table([row])


def test_a_seed_draws_the_same_runs():
    """What failed can be run again."""
    assert [draw(Random('1 2')) for _ in range(2)] == [draw(Random('1 2'))] * 2


def test_a_run_that_the_tap_does_not_see_is_missed(monkeypatch: pytest.MonkeyPatch):
    """The ledger is the models' and the tools' own: a tap that is switched off has all of it to answer for."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    registry = CollectorRegistry()
    load = Load(Tap([PrometheusSink(registry)]), 'seed', concurrent=5)
    load.run(range(20), loops=1)
    rows = compare(COUNTED, load.ledger, scraped(registry))
    assert {row.what for row in rows if row.faults} >= {RUNS, 'pydantic_ai_requests_total'}


def test_random_runs_on_one_loop_and_on_four_are_counted_exactly():
    """The soak in small, but for its memory, which other tests have used."""
    rows = faults('seed', runs=80, concurrent=20)
    assert [row for row in rows if row.faults and not row.what.startswith(('memory', 'most runs'))] == []

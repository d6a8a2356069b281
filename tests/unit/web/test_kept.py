"""Which finished runs the page keeps: each choice is complete within its own cap, whatever the others need."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from streamtap._web.kept import CANCELLED, FAILED, MOST_GONE, NEWEST, SLOWEST, KeptRuns
from streamtap._web.shelves import SlowestLately


@dataclass
class Made:
    """A finished run."""

    duration: float | None
    ended: float = 0.0
    number: int = 0
    shelves: int = 0


@pytest.fixture
def kept() -> KeptRuns[Made]:
    return KeptRuns()


def add(kept: KeptRuns[Made], *durations: float | None, failed: bool = False, cancelled: bool = False) -> None:
    for duration in durations:
        kept.add(Made(duration), failed=failed, cancelled=cancelled)


def numbers(kept: KeptRuns[Made], after: int | None = None) -> list[int]:
    return [run.number for run in kept.since(after).runs]


def test_each_choice_has_its_own_cap(kept: KeptRuns[Made]):
    """However many runs of other kinds came later."""
    add(kept, *[1.0] * (FAILED + 7), failed=True)
    add(kept, *[1.0] * (CANCELLED + 7), cancelled=True)
    add(kept, *[9.0] * SLOWEST)
    add(kept, *[0.5] * (NEWEST + 500))
    last_failed = range(8, FAILED + 8)
    last_cancelled = range(FAILED + 7 + 8, FAILED + 7 + CANCELLED + 8)
    slowest = range(FAILED + CANCELLED + 15, FAILED + CANCELLED + 15 + SLOWEST)
    count = kept.since(None).count
    newest = range(count - NEWEST + 1, count + 1)
    assert {*last_failed, *last_cancelled, *slowest, *newest} <= set(numbers(kept))
    # The slowest of the last minutes are among these, but for those that the next look finds.
    assert len(numbers(kept)) < FAILED + CANCELLED + SLOWEST + NEWEST + 100


def test_a_run_that_several_choices_need_is_there_once(kept: KeptRuns[Made]):
    """And goes when the last one lets it go."""
    add(kept, 9.0, failed=True)
    add(kept, *[1.0] * (NEWEST + 5))
    assert numbers(kept).count(1) == 1
    add(kept, *[10.0] * (NEWEST + FAILED), failed=True)
    assert 1 not in numbers(kept)


def test_of_equally_slow_runs_the_later_are_kept(kept: KeptRuns[Made]):
    """The first ones tell nothing that these do not."""
    add(kept, *[1.0] * (NEWEST + SLOWEST + 200))
    assert 1 not in numbers(kept)


def test_a_run_whose_duration_is_unknown_is_none_of_the_slowest(kept: KeptRuns[Made]):
    """It is only among the latest."""
    add(kept, None, *[1.0] * NEWEST)
    assert 1 not in numbers(kept)


def test_a_viewer_is_told_what_is_new_and_what_is_gone(kept: KeptRuns[Made]):
    """Only of runs that it knew, and each once."""
    add(kept, *[1.0] * 10)
    first = kept.since(None)
    assert (first.count, first.is_all, len(first.runs), first.gone) == (10, True, 10, [])
    add(kept, *[2.0] * (NEWEST + SLOWEST + 200))
    known = {run.number for run in first.runs}
    news = kept.since(first.count)
    known = (known - set(news.gone)) | {run.number for run in news.runs}
    assert not news.is_all
    assert set(news.gone) <= set(range(1, 11))
    assert known == set(numbers(kept))
    assert kept.since(news.count).runs == kept.since(news.count).gone == []


def test_a_viewer_knows_what_is_kept_however_often_it_asks(kept: KeptRuns[Made]):
    """A viewer that is away for longer than what is gone is remembered gets everything again."""
    draw = Random(1)
    known: set[int] = set()
    count = None
    for _ in range(60):
        for _ in range(draw.choice([0, 1, 5, 100, 300])):
            add(kept, draw.lognormvariate(0, 1), failed=draw.random() < 0.1, cancelled=draw.random() < 0.1)
        news = kept.since(count)
        if news.is_all:
            known.clear()
        known = (known - set(news.gone)) | {run.number for run in news.runs}
        count = news.count
        assert known == set(numbers(kept))
    add(kept, *[1.0] * (MOST_GONE + NEWEST + SLOWEST))
    assert kept.since(count).is_all


def slowest(runs: list[Made], since: float, most: int) -> list[float]:
    return sorted((run.duration or 0.0 for run in runs if run.ended >= since), reverse=True)[:most]


def shelved(shelf: SlowestLately[Made], runs: list[Made]) -> list[Made]:
    """What is kept of the runs that are put in."""
    kept: dict[int, Made] = {}
    for run in runs:
        kept[id(run)] = run
        for out in shelf.add(run):
            del kept[id(out)]
    return list(kept.values())


@pytest.mark.parametrize('seed', range(3))
def test_the_slowest_of_every_time_until_now_are_kept(seed: int):
    """From every moment of the time on, all of them, in little room."""
    draw = Random(seed)
    runs = [Made(draw.lognormvariate(0, 1), ended=float(second)) for second in range(3000)]
    kept = shelved(SlowestLately(10, 900.0, 250), runs)
    assert len(kept) < 10 * 6 + 64 + 10
    for since in range(2100, 3000, 7):
        assert slowest(kept, since, 10) == slowest(runs, since, 10)


def test_where_each_run_is_faster_than_the_one_before_the_oldest_go():
    """And it is known from when on the rest is complete."""
    runs = [Made(1000.0 - second, ended=float(second)) for second in range(800)]
    shelf = SlowestLately[Made](10, 900.0, 250)
    kept = shelved(shelf, runs)
    assert len(kept) <= 250 + 64
    assert shelf.complete_since is not None
    for since in range(int(shelf.complete_since) + 1, 800, 7):
        assert slowest(kept, since, 10) == slowest(runs, since, 10)


def test_what_is_older_than_the_longest_time_goes():
    """Even if nothing later was as slow."""
    runs = [Made(99.0, ended=0.0), *(Made(1.0, ended=1000.0) for _ in range(100))]
    assert runs[0] not in shelved(SlowestLately(10, 900.0, 250), runs)

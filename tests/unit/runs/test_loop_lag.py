"""How late the event loop comes, which is no model's fault."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from streamtap import BaseSink, LoopLag, PrometheusSink, Tap
from support.real_time import REAL_TIME
from support.scripted import Calls, agent

if TYPE_CHECKING:
    from pydantic_ai import Agent


class Lags(BaseSink):
    """Remembers them."""

    inline = True

    def __init__(self) -> None:
        self.seen: list[LoopLag] = []

    def loop_lagged(self, lag: LoopLag) -> None:
        self.seen.append(lag)


def blocking(seconds: float, tap: Tap) -> Agent[None, str]:
    """An agent with a tool that holds the event loop."""
    made = agent([Calls('block')], ['done'], capabilities=[tap.capability()])

    @made.tool_plain
    async def block() -> str:  # pyright: ignore[reportUnusedFunction]
        await asyncio.sleep(0.05)
        time.sleep(seconds)  # noqa: ASYNC251 - the mistake that is to be seen
        await asyncio.sleep(0.05)
        return 'blocked'

    return made


@REAL_TIME
def test_a_tool_that_blocks_the_loop_is_seen():
    """As long as it did, to within the time between two looks; a loop that is free comes in time."""
    lags = Lags()
    tap = Tap([lags], loop_lag_every=0.01)
    asyncio.run(blocking(0.4, tap).run('hello'))
    assert {lag.thread for lag in lags.seen} == {'MainThread'}
    worst = max(lag.seconds for lag in lags.seen)
    assert 0.35 < worst < 0.8
    assert sorted(lag.seconds for lag in lags.seen)[len(lags.seen) // 2] < 0.1


def test_it_is_a_histogram_by_thread():
    """Beside the time to first token, with no series before it is asked for."""
    registry = CollectorRegistry()
    tap = Tap([PrometheusSink(registry)], loop_lag_every=0.01)
    name, thread = 'streamtap_event_loop_lag_seconds_count', {'thread': 'MainThread'}
    assert registry.get_sample_value(name, thread) is None
    asyncio.run(blocking(0.1, tap).run('hello'))
    assert (registry.get_sample_value(name, thread) or 0) >= 2


def test_nothing_is_asked_of_a_loop_without_runs():
    """Between runs the loop is left alone, and looked at again with the next."""
    lags = Lags()
    tap = Tap([lags], loop_lag_every=0.01)

    async def main() -> list[int]:
        counts: list[int] = []
        for _ in range(2):
            await blocking(0.01, tap).run('hello')
            await asyncio.sleep(0.05)
            counts.append(len(lags.seen))
            await asyncio.sleep(0.1)
            counts.append(len(lags.seen))
        return counts

    first, later, second, at_last = asyncio.run(main())
    assert first == later < second == at_last


def test_it_is_off_unless_asked_for():
    """No look at the loop, and no lag."""
    lags = Lags()
    asyncio.run(blocking(0.01, Tap([lags])).run('hello'))
    assert lags.seen == []


def test_a_loop_that_ends_with_a_look_outstanding_is_forgotten():
    """Nothing is logged, and the next loop is measured like the first."""
    lags = Lags()
    tap = Tap([lags], loop_lag_every=0.02)
    for _ in range(3):
        before = len(lags.seen)
        asyncio.run(blocking(0.01, tap).run('hello'))
        assert len(lags.seen) > before


@pytest.mark.parametrize(('every', 'error'), [(0, ValueError), (-1, ValueError), ('0.1', TypeError), (True, TypeError)])
def test_what_is_no_interval_is_refused(every: float, error: type[Exception]):
    """At construction."""
    with pytest.raises(error, match='loop_lag_every must be'):
        Tap([], loop_lag_every=every)

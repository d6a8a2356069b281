"""The helpers that users test their own agents with."""

from __future__ import annotations

import asyncio

import pytest
from scripted import Calls, agent

from streamtap.testing import FakeClock, capture


def test_capture_keeps_what_a_run_did():
    """Runs, responses, tools and every moment in order."""
    with capture() as seen:
        asyncio.run(agent([Calls('nap')], ['done']).run('hello', event_stream_handler=seen.tap))
        assert [run.outcome for run in seen.runs] == ['success']
        assert [tool.tool for tool in seen.tools] == ['nap']
        assert len(seen.responses) == 2
        assert [name for name, _ in seen.moments][-1] == 'run_ended'
        assert seen.faults == []
        assert seen.tap.usage.summary().total.runs == 1


def test_a_fake_clock_makes_durations_exact():
    """Time passes only when the test says so."""
    clock = FakeClock()
    with capture(clock=clock) as seen:
        made = agent([Calls('wait')], ['done'], capabilities=[seen.tap.capability(stream=True)])

        @made.tool_plain
        async def wait() -> str:
            clock.advance(2.5)
            return 'waited'

        asyncio.run(made.run('hello'))
        assert [(tool.duration, tool.started_ns) for tool in seen.tools] == [(2.5, 1_767_225_600_000_000_000)]
        assert [(run.duration, run.phases) for run in seen.runs] == [(2.5, {'tools': 2.5})]


def test_a_fake_clock_never_goes_back():
    """Like the real monotonic one."""
    with pytest.raises(ValueError, match='time only goes on'):
        FakeClock().advance(-1)

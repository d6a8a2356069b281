"""The helpers that users test their own agents with."""

from __future__ import annotations

import asyncio

import pytest

from streamtap import Tap
from streamtap.testing import Capture, FakeClock, MemorySink, capture, capture_of
from support.made_records import give_everything, read_run, run_start
from support.scripted import Calls, agent


def test_capture_keeps_what_a_run_did():
    """Runs, responses, tools and every moment in order."""
    with capture() as seen:
        asyncio.run(agent([Calls('nap')], ['done']).run('hello', event_stream_handler=seen.tap))
        assert [run.outcome for run in seen.runs()] == ['success']
        assert [tool.tool for tool in seen.tools()] == ['nap']
        assert len(seen.responses()) == 2
        assert [name for name, _ in seen.moments()][-1] == 'run_ended'
        assert seen.faults() == []
        assert seen.tap.usage.summary().total.runs == 1


def test_a_fake_clock_makes_durations_exact(captap: Capture, tap_clock: FakeClock):
    """Time passes only when the test says so."""
    made = agent([Calls('wait')], ['done'], capabilities=[captap.tap.capability(stream=True)])

    @made.tool_plain
    async def wait() -> str:
        tap_clock.advance(2.5)
        return 'waited'

    asyncio.run(made.run('hello'))
    assert [(tool.duration, tool.started_ns) for tool in captap.tools()] == [(2.5, 1_767_225_600_000_000_000)]
    assert (captap.run().duration, captap.run().phases) == (2.5, {'tools': 2.5})


def test_the_total_is_of_all_runs(captap: Capture):
    """What several runs took together; there is no only run among them."""
    asker = agent([Calls('nap')], ['done'], ['again'])
    for _ in range(2):
        asyncio.run(asker.run('hello', event_stream_handler=captap.tap))
    total = captap.total()
    assert (total.runs, total.requests, total.tool_calls, total.cost_usd) == (2, 3, 1, None)
    assert total.output_tokens == sum(run.output_tokens for run in captap.runs()) > 0
    with pytest.raises(LookupError, match='2 runs ended, not one:\nrun scripted: success'):
        _ = captap.run()


def test_a_tap_that_is_there_already_shows_what_it_records_in_a_block():
    """Only that; the tap's own sinks get everything."""
    kept = MemorySink()
    with Tap([kept]) as tap:
        asker = agent(['one'], ['two'], ['three'])
        asyncio.run(asker.run('before', event_stream_handler=tap))
        with capture_of(tap) as seen:
            asyncio.run(asker.run('hello', event_stream_handler=tap))
        asyncio.run(asker.run('after', event_stream_handler=tap))
        tap.flush()
        assert (seen.run(), seen.total().runs, seen.total().requests) == (kept.runs[1], 1, 1)
        assert len(kept.runs) == 3


def test_a_tap_that_is_switched_off_cannot_be_captured(monkeypatch: pytest.MonkeyPatch):
    """It says so, instead of recording nothing."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    with Tap([MemorySink()]) as tap, pytest.raises(ValueError, match='unset STREAMTAP_DISABLED'), capture_of(tap):
        pass


def test_a_capture_measures_where_taps_are_switched_off(monkeypatch: pytest.MonkeyPatch):
    """It is there to measure; and a tap is switched off by its own argument as by the environment."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    kept = MemorySink()
    with capture() as seen, Tap([kept], enabled=True) as on, Tap([kept], enabled=False) as off:
        assert (seen.tap.enabled, on.enabled, off.enabled) == (True, True, False)
        asker = agent(['one'], ['two'], ['three'])
        for tap in (seen.tap, on, off):
            asyncio.run(asker.run('hello', event_stream_handler=tap))
        on.flush()
        assert (len(seen.runs()), len(kept.runs), repr(seen)) == (1, 1, '<Capture of 1 run>')


def test_a_capture_prints_runs_of_every_end():
    """What failed says why, what has not ended says so, and what the tap itself got wrong is not kept quiet."""
    memory = MemorySink()
    give_everything(memory)
    memory.run_ended(read_run(run_id='read', agent='read'))
    memory.run_started(run_start('open', 'waiting'))
    assert str(Capture(Tap([memory]), memory)).splitlines() == [
        'run a: error (ModelHTTPError_500) after 4.00 s, first output 1.25 s, 305 tokens in, 20 out, cost $0.50',
        '  request 1, p:m: success after 1.50 s, first token 400 ms, 300 tokens in, 20 out, cost $0.25',
        '  request 1, p:m: error (ModelHTTPError_429) after 1.50 s, first token -, - tokens in, - out, cost -',
        '  request 1, p:free: success after 1.50 s, first token -, 5 tokens in, - out, cost -',
        '  request 1, p:silent: success after 1.50 s, first token -, - tokens in, - out, cost -',
        '  tool t: success after 750 ms',
        '  tool t: error (ValueError) after 750 ms',
        '  tool t: retried after 750 ms',
        'run read: success after 4.00 s, first output 2.50 s (its reader), - tokens in, - out, cost -',
        'run waiting: still open',
        'the tap failed in spans',
        'the tap dropped 3 records',
    ]


def test_a_fake_clock_never_goes_back():
    """Like the real monotonic one."""
    with pytest.raises(ValueError, match='time cannot go back'):
        FakeClock().advance(-1)

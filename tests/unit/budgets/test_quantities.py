"""What a budget may limit: what is compared, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamtap._budgets.measured import Measured
from streamtap._budgets.quantities import QUANTITIES, Verdict, judge
from support.made_records import full_response, run, run_start

if TYPE_CHECKING:
    from streamtap._budgets.quantities import QuantityName


def one_run() -> Measured:
    """A run of which everything is known."""
    seen = Measured()
    told = {'context_window': 1000, 'context_tokens': 800, 'cache_missed_tokens': 256}
    seen.response_ended(full_response(max_inter_chunk_latency=0.3, stalls=0, stall_seconds=0.0, **told))
    used = {'requests': 2, 'tool_calls': 1, 'cost_usd': 0.25}
    missed = {'objective_met': False, 'objective_missed': ('stall',)}
    seen.run_ended(run(agent='support', time_to_first_output=0.5, duration=4.0, **used, **missed))
    return seen


@pytest.mark.parametrize(
    ('name', 'limit', 'told'),
    [
        ('first_output', 0.5, 'first output: 500 ms (support)'),
        ('run', 4.0, 'longest run: 4.00 s (support)'),
        ('stall', 0.3, 'longest silence: 300 ms (a)'),
        ('tokens_per_second', 55, 'lowest tokens per second: 55 (a)'),
        ('cost', 0.25, 'cost: $0.25'),
        ('requests', 2, 'requests: 2'),
        ('tool_calls', 1, 'tool calls: 1'),
        ('repeated_tool_calls', 0, 'repeated tool calls: 0'),
        ('objective_missed', 1, 'runs that missed their objective: 1 (support: stall)'),
        ('context_used', 0.8, 'fullest context: 80.0% (a)'),
        ('cache_missed_tokens', 256, 'tokens bought again: 256 (a)'),
    ],
)
def test_a_limit_is_kept_up_to_its_own_value_and_told(name: QuantityName, limit: float, told: str):
    """What was measured is told either way."""
    assert judge(name, limit, one_run()) == Verdict(kept=True, reason=told)


@pytest.mark.parametrize(
    ('name', 'limit', 'told'),
    [
        ('first_output', 0.4, 'first output: 500 ms (support), at most 400 ms'),
        ('tokens_per_second', 56, 'lowest tokens per second: 55 (a), at least 56'),
        ('cost', 0, 'cost: $0.25, at most $0.00'),
        ('requests', 1, 'requests: 2, at most 1'),
        ('objective_missed', 0, 'runs that missed their objective: 1 (support: stall), at most 0'),
        ('context_used', 0.7, 'fullest context: 80.0% (a), at most 70.0%'),
    ],
)
def test_a_limit_that_was_broken_is_told_beside_the_value(name: QuantityName, limit: float, told: str):
    """A speed has a lower limit, all else an upper one."""
    assert judge(name, limit, one_run()) == Verdict(kept=False, reason=told)


def test_what_is_not_known_did_not_keep_its_limit():
    """Nothing passes silently."""
    seen = Measured()
    seen.run_ended(run())
    verdicts = {name: judge(name, 1000, seen) for name in QUANTITIES}
    assert {name for name, verdict in verdicts.items() if verdict.kept} == {
        'run',
        'requests',
        'tool_calls',
        'repeated_tool_calls',
    }
    assert verdicts['cost'].reason == 'cost: not known, as no response had a price'
    assert verdicts['first_output'].reason.endswith('could see: use tap.capability(stream=True)')


def test_a_part_that_is_not_known_may_be_the_worst():
    """A limit that what is known breaks is broken; one that it keeps may be broken by the rest."""
    seen = one_run()
    seen.run_ended(run(agent='mute'))
    assert judge('first_output', 0.4, seen).reason == 'first output: 500 ms (support), at most 400 ms'
    why = 'a run of mute streamed no output that the tap could see: use tap.capability(stream=True)'
    reason = f'first output: 500 ms (support), but perhaps not all of it, as {why}'
    assert judge('first_output', 2.0, seen) == Verdict(kept=False, reason=reason)


def test_while_a_run_is_open_no_limit_is_kept():
    """It may still break any."""
    seen = one_run()
    seen.run_started(run_start('other', 'slow'))
    assert judge('requests', 9, seen).reason == 'requests: 2, but perhaps not all of it, as a run of slow has not ended'


@pytest.mark.parametrize(
    ('name', 'limit', 'error'),
    [
        ('first_output', 0, 'limit must be above 0 seconds, not 0'),
        ('run', '2', "limit must be a number of seconds, not '2'"),
        ('stall', float('nan'), 'limit must be above 0 seconds, not nan'),
        ('tokens_per_second', -1, 'limit must be at least 0 tokens per second, not -1'),
        ('cost', True, 'limit must be a number of US dollars, not True'),
        ('requests', 1.5, 'limit must be a whole number, not 1.5'),
        ('tool_calls', -1, 'limit must be at least 0, not -1'),
        ('context_used', '80%', "limit must be a share, such as 0.8, not '80%'"),
        ('context_used', 80, 'limit must be above 0 and at most 1, as a share such as 0.8, not 80'),
    ],
)
def test_what_is_no_limit_is_refused(name: QuantityName, limit: object, error: str):
    """With the name of the argument, and what it must be."""
    with pytest.raises((TypeError, ValueError)) as refused:
        QUANTITIES[name].check('limit', limit)
    assert str(refused.value) == error

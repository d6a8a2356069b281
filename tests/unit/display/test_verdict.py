"""Why a run failed, or what most of its time was spent on: one answer for the page and for reports."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import FailureRecord, LoopRecord, PartRecord
from streamtap._display.exits import isolated
from streamtap._display.verdict import Cause, Verdict, in_a_loop, mostly, time_spent, verdict
from streamtap._records.run_tree import RunTree
from support.made_records import response, run, tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._records.records import ToolRecord
    from streamtap._records.run_tree import Piece


def tree(*pieces: Piece, phases: Mapping[str, float] | None = None, **of_run: Any) -> RunTree:
    """A run of agent `a` with its pieces."""
    fields = {'duration': sum((phases or {}).values()), 'phases': phases or {}, **of_run}
    return RunTree(run(**fields), list(pieces))


def asked_billing(*, stalled: float) -> RunTree:
    """A run whose only tool asked another agent, whose model stalled."""
    nested = tree(
        response(model='gpt', duration=4.5, time_to_first_token=0.5, stalls=1, stall_seconds=stalled, agent='billing'),
        phases={'wait': 0.5, 'stream': 4.0},
        agent='billing',
        started_ns=600_000_000,
    )
    return tree(
        response(model='gpt', duration=0.5, time_to_first_token=0.4),
        nested,
        tool(tool='ask_billing', duration=4.6, started_ns=500_000_000),
        phases={'wait': 0.4, 'stream': 0.1, 'tools': 4.6},
    )


def test_a_nested_run_is_followed_down_to_what_took_its_time():
    """The tool that called it took hardly any time itself."""
    assert verdict(asked_billing(stalled=3.5)) == Verdict('69 % p:gpt stalled (billing)', 'warn')


def test_the_seconds_of_all_causes_are_those_of_the_run():
    """The tool keeps what its nested run did not take; what the phases say is divided, and nothing is counted twice."""
    spent = time_spent(asked_billing(stalled=3.5))
    assert {cause: round(seconds, 6) for cause, seconds in spent.items()} == {
        Cause('wait', 'p:gpt', 'a'): 0.4,
        Cause('stream', 'p:gpt', 'a'): 0.1,
        Cause('tools', 'ask_billing', 'a'): 0.1,
        Cause('wait', 'p:gpt', 'billing'): 0.5,
        Cause('stall', 'p:gpt', 'billing'): 3.5,
        Cause('stream', 'p:gpt', 'billing'): 0.5,
    }


def test_a_name_from_right_to_left_does_not_reorder_the_numbers():
    """It is isolated from what follows."""
    run_of_tool = tree(tool(tool='כלב', duration=2.0), phases={'tools': 2.0, 'other': 1.6, 'queue': 1.4})
    found = verdict(run_of_tool, isolated)
    assert found == Verdict('40 % tool \u2068כלב\u2069, 32 % other work')


@pytest.mark.parametrize(
    ('last', 'outcome', 'words'),
    [
        (tool(outcome='error', error_type='KeyError', tool='כלב'), 'error', 'KeyError in tool \u2068כלב\u2069'),
        (tool(outcome='interrupted', tool='כלב'), 'cancelled', 'cancelled in tool \u2068כלב\u2069'),
        (
            response(outcome='cancelled', model='כלב', chunks=0),
            'cancelled',
            'cancelled while waiting for \u2068p:כלב\u2069',
        ),
    ],
    ids=['failed', 'a tool was cut off', 'a model was cut off'],
)
def test_it_does_not_reorder_how_a_run_ended(last: Piece, outcome: str, words: str):
    """Whatever ended it."""
    of_run: dict[str, Any] = {'outcome': outcome}
    if outcome == 'error':
        of_run['failure'] = FailureRecord(agent='a', error='KeyError', place='tool', name='כלב')
    assert verdict(tree(last, **of_run), isolated).words == words


def test_a_stall_is_the_verdict_only_if_it_is_most():
    """A minute of silence is not the cause of a run in which a tool took two."""
    slow = tree(
        response(model='gpt', duration=62.0, time_to_first_token=1.0, stalls=1, stall_seconds=60.0),
        tool(tool='search', duration=141.0),
        phases={'wait': 1.0, 'stream': 61.0, 'tools': 141.0},
    )
    assert verdict(slow) == Verdict('69 % tool search')


def test_where_nothing_is_most_the_two_longest_are_named():
    """They are shares of the whole run."""
    mixed = tree(
        response(model='gpt', duration=6.5, time_to_first_token=4.0),
        tool(tool='search', duration=3.5),
        phases={'wait': 4.0, 'stream': 2.5, 'tools': 3.5},
    )
    assert verdict(mixed) == Verdict('40 % waiting for p:gpt, 35 % tool search')


def seconds_of_tools(*tools: ToolRecord, together: float) -> dict[str, float]:
    """What the time of a run with these tools went to, by tool."""
    spent = time_spent(tree(*tools, phases={'tools': together}))
    return {cause.name: round(seconds, 3) for cause, seconds in spent.items()}


def test_of_tools_at_the_same_time_the_run_waits_for_the_last_to_end():
    """A tool that lay wholly inside another one's time cost the run nothing."""
    inside = tool(tool='short', duration=2.0), tool(tool='long', duration=5.0)
    assert seconds_of_tools(*inside, together=5.0) == {'long': 5.0}


@pytest.mark.parametrize(
    ('tools', 'expected'),
    [
        ((('first', 0, 4.0), ('second', 3, 3.0)), {'first': 3.0, 'second': 3.0}),
        ((('first', 0, 2.0), ('second', 4, 1.0)), {'first': 2.0, 'second': 1.0}),
        ((('a', 0, 2.0), ('b', 1, 2.0), ('c', 0, 1.5), ('d', 5, 1.0)), {'a': 1.0, 'b': 2.0, 'd': 1.0}),
        ((('one', 0, 5.0), ('two', 0, 5.0)), {'two': 5.0}),
    ],
    ids=['overlapping', 'one after the other', 'two rounds', 'ended together'],
)
def test_each_instant_is_that_of_the_tool_that_ends_last(
    tools: tuple[tuple[str, int, float], ...], expected: dict[str, float]
):
    """The parts add up to the time in which any tool ran; of those that end together it is the last."""
    called = [tool(tool=name, started_ns=began * 1_000_000_000, duration=took) for name, began, took in tools]
    assert seconds_of_tools(*called, together=sum(expected.values())) == expected


def cut(**fields: Any) -> ToolRecord:
    """A tool call that was interrupted: nobody knows how long it would have taken."""
    return tool(**{'tool': 'cut', 'outcome': 'interrupted', 'duration': None, **fields})


def test_a_tool_that_another_ones_failure_ended_is_not_what_the_run_waited_for():
    """However long it took to stop."""
    failed = tool(tool='failed', outcome='error', error_type='KeyError', duration=1.0)
    assert seconds_of_tools(failed, cut(), together=1.0) == {'failed': 1.0}
    assert seconds_of_tools(failed, cut(), together=1.5) == {'failed': 1.5}


def stopped(outcome: str, *tools: ToolRecord, together: float, **of_run: Any) -> RunTree:
    """A run that somebody stopped, or whose time was up, after so many seconds of its tools."""
    phases = {'wait': 0.2, 'tools': together, 'other': 0.1}
    return tree(response(duration=0.2, time_to_first_token=0.2), *tools, phases=phases, outcome=outcome, **of_run)


@pytest.mark.parametrize('outcome', ['cancelled', 'timeout'])
def test_what_a_stopped_run_waited_for_is_the_tool_that_was_interrupted(outcome: str):
    """From its start to the end of the run; not one that had ended, wherever it stands."""
    done = tool(tool='done', duration=0.1, started_ns=200_000_000)
    slow = cut(started_ns=250_000_000)
    for tools in ((done, slow), (slow, done)):
        spent = {
            cause.name: round(took, 3) for cause, took in time_spent(stopped(outcome, *tools, together=2.0)).items()
        }
        assert spent == {'p:m': 0.2, 'done': 0.05, 'cut': 1.95, '': 0.1}


def test_it_is_named_alone_too():
    """And as where the run was stopped."""
    alone = stopped('cancelled', cut(), together=2.0)
    assert (verdict(alone).words, mostly(alone)) == ('cancelled in tool cut', '87 % tool cut')


def test_of_several_that_were_interrupted_together_it_is_the_last():
    """The verdict and the time name the same one."""
    both = stopped('cancelled', cut(tool='one'), cut(tool='two'), together=2.0)
    assert (verdict(both).words, mostly(both)) == ('cancelled in tool two', '87 % tool two')


def test_a_called_run_takes_the_time_of_the_tool_that_was_interrupted_with_it():
    """It was the called run that was waited for."""
    asked = tree(
        response(model='gpt', duration=1.5, time_to_first_token=None, chunks=0, outcome='cancelled', agent='b'),
        phases={'wait': 1.5},
        agent='b',
        outcome='cancelled',
        started_ns=250_000_000,
    )
    ask = cut(tool='ask', started_ns=200_000_000)
    of_run = RunTree(run(outcome='cancelled', duration=1.8, phases={'wait': 0.2, 'tools': 1.6}), [asked, ask])
    assert verdict(of_run).words == 'cancelled in tool ask'
    assert mostly(of_run) == '83 % waiting for p:gpt (b)'


def test_a_failure_in_an_earlier_step_does_not_end_what_was_interrupted_later():
    """Nothing else was waited for when somebody gave up."""
    failed_before = tool(tool='failed', outcome='error', duration=0.5)
    slow, done = (
        cut(step=2, started_ns=1_000_000_000),
        tool(tool='done', duration=1.0, step=2, started_ns=1_000_000_000),
    )
    of_run = tree(failed_before, done, slow, phases={'tools': 3.5, 'other': 0.5}, outcome='cancelled')
    spent = {cause.name: round(took, 3) for cause, took in time_spent(of_run).items()}
    assert spent == {'failed': 0.5, 'cut': 3.0, '': 0.5}


def delegating(duration: float, *besides: ToolRecord, first: bool = False) -> RunTree:
    """A run whose tool `ask` asks another agent for four seconds, beside other tools."""
    asked = tree(response(model='gpt', duration=4.0, streamed=False), phases={'model': 4.0}, agent='b', duration=4.0)
    ask = tool(tool='ask', duration=4.0)
    return tree(asked, *(besides if first else ()), ask, *(() if first else besides), phases={'tools': duration})


def test_a_called_run_takes_its_own_tools_time_and_not_that_of_one_beside_it():
    """It is the tool's that ended right after it, although another one began later."""
    beside = tool(tool='beside', started_ns=1_000_000, duration=2.0)
    assert time_spent(delegating(4.0, beside, first=True)) == {Cause('model', 'p:gpt', 'b'): 4.0}


def test_a_called_run_that_was_not_waited_for_took_nothing():
    """The run waited for another tool all that time."""
    beside = tool(tool='beside', started_ns=-1_000_000, duration=6.0)
    assert time_spent(delegating(6.0, beside)) == {Cause('tools', 'beside', 'a'): pytest.approx(6.0)}


def test_a_called_run_counts_as_far_as_it_was_waited_for():
    """In the last two of its four seconds the run waited for another tool."""
    beside = tool(tool='beside', started_ns=2_000_000_000, duration=5.0)
    assert time_spent(delegating(7.0, beside)) == {
        Cause('model', 'p:gpt', 'b'): pytest.approx(2.0),
        Cause('tools', 'beside', 'a'): pytest.approx(5.0),
    }


def test_nested_runs_at_the_same_time_take_no_more_than_their_tool():
    """A tool that asks two agents at once waited for the one that ended last."""
    asked = [
        tree(response(model='gpt', duration=took, streamed=False), phases={'model': took}, agent=name)
        for name, took in (('b', 0.5), ('c', 1.0))
    ]
    spent = time_spent(tree(*asked, tool(tool='both', duration=1.0), phases={'tools': 1.0}))
    assert spent == {Cause('model', 'p:gpt', 'c'): 1.0}


@pytest.mark.parametrize('ids', [('a', 'b'), ('b', 'a'), (None, None)])
def test_of_two_agents_that_were_interrupted_together_one_is_what_was_waited_for(ids: tuple[str | None, str | None]):
    """Not the tool itself, whichever of the two calls is whose; where nobody says, each call has one of them."""
    asked = [
        tree(
            response(model='gpt', duration=1.0, streamed=False, outcome='cancelled'),
            phases={'model': 1.0},
            agent=name,
            outcome='cancelled',
            parent_tool_call_id=tool_call_id,
        )
        for name, tool_call_id in zip('bc', ids, strict=True)
    ]
    calls = [tool(tool='ask', tool_call_id=each, duration=None, outcome='interrupted') for each in 'ab']
    spent = time_spent(tree(*asked, *calls, phases={'tools': 1.0}, outcome='cancelled'))
    assert spent in ({Cause('model', 'p:gpt', 'b'): 1.0}, {Cause('model', 'p:gpt', 'c'): 1.0})


@pytest.mark.parametrize('seed', range(20))
def test_the_parts_add_up_whatever_ran_at_the_same_time(seed: int):
    """To the run's phases, with called runs in some of the tools, of which some were interrupted."""
    random = Random(seed)
    pieces: list[Piece] = []
    for number in range(12):
        began, took = random.randrange(10), 1 + random.randrange(5)
        start: dict[str, Any] = {'started_ns': began * 1_000_000_000}
        if random.random() < 0.5:
            pieces.append(tree(response(streamed=False), phases={'model': took}, agent='b', **start))
        outcome = random.choice(('success', 'error', 'interrupted'))
        duration = None if outcome == 'interrupted' else float(took)
        pieces.append(tool(tool=f'{number}', duration=duration, step=random.randrange(2), outcome=outcome, **start))
    spent = time_spent(tree(*pieces, phases={'tools': 14.0, 'other': 2.0}))
    assert sum(spent.values()) == pytest.approx(16.0)
    assert min(spent.values()) > 0


def test_a_stall_keeps_what_was_measured_of_it():
    """What the phase lacks of the request's time is not the stall's."""
    stalled = tree(
        response(model='gpt', duration=4.0, time_to_first_token=1.0, stalls=1, stall_seconds=2.0),
        phases={'wait': 1.0, 'stream': 2.5},
    )
    assert time_spent(stalled)[Cause('stall', 'p:gpt', 'a')] == 2.0


THINKING: dict[str, Any] = {
    'parts': (
        PartRecord(index=0, kind='thinking', tool=None, tool_call_id=None, start=1.0, duration=3.0, chunks=9),
        PartRecord(index=1, kind='text', tool=None, tool_call_id=None, start=4.0, duration=1.0, chunks=9),
    ),
    'duration': 5.0,
    'time_to_first_token': 1.0,
    'chunks': 18,
}


def test_thinking_is_not_writing():
    """Nobody sees it; a stall in it is no part of it."""
    phases = {'wait': 1.0, 'stream': 4.0}
    assert mostly(tree(response(**THINKING), phases=phases)) == '60 % p:m thinking'
    stalled = response(**THINKING, stalls=1, stall_seconds=2.0, stall_starts=(1.5,))
    assert {cause.phase: seconds for cause, seconds in time_spent(tree(stalled, phases=phases)).items()} == {
        'wait': 1.0,
        'stall': 2.0,
        'thinking': 1.0,
        'stream': 1.0,
    }
    cut_off = response(**{**THINKING, 'parts': THINKING['parts'][:1]}, outcome='cancelled')
    assert verdict(tree(cut_off, outcome='cancelled')).words == 'cancelled while p:m was thinking'


@pytest.mark.parametrize(
    ('longest', 'duration', 'words'),
    [
        (0.06, 2.0, 'RunTimedOut while p:m was silent; 60 % p:m silent'),
        (0.06, 1.2, 'RunTimedOut while p:m was writing; 67 % p:m writing'),
        (1.3, 2.0, 'RunTimedOut while p:m was writing; 80 % p:m writing'),
    ],
    ids=['silent', 'too short', 'no longer than before'],
)
def test_a_model_that_fell_silent_was_not_writing(longest: float, duration: float, words: str):
    """If that was longer than any silence before it, though too short for a stall."""
    text = PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=0.4, duration=0.4, chunks=8)
    times = {'time_to_first_token': 0.4, 'max_inter_chunk_latency': longest, 'chunks': 8, 'parts': (text,)}
    response_of = response(outcome='timeout', duration=duration, **times)
    failed = {'outcome': 'timeout', 'error_type': 'RunTimedOut', 'failure': AT_MODEL}
    of_run = tree(response_of, phases={'wait': 0.4, 'stream': duration - 0.4}, **failed)
    assert f'{verdict(of_run).words}; {mostly(of_run)}' == words


@pytest.mark.parametrize(
    ('end', 'stalled', 'words'),
    [(2.0, 0.0, '71 % p:m silent'), (2.0, 2.0, '71 % p:m stalled'), (0.4, 0.0, '67 % p:m writing')],
)
def test_the_end_of_a_response_is_its_models(end: float, stalled: float, words: str):
    """Also after the last chunk of one that succeeded, whose phase ends there."""
    text = PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=0.4, duration=0.4, chunks=8)
    times = {'time_to_first_token': 0.4, 'max_inter_chunk_latency': 0.06, 'chunks': 8, 'parts': (text,)}
    stalls = {'stalls': 1, 'stall_seconds': stalled, 'stall_starts': (0.8,)} if stalled else {}
    response_of = response(duration=0.8 + end, **times, **stalls)
    of_run = tree(response_of, phases={'wait': 0.4, 'stream': 0.4, 'other': end})
    assert mostly(of_run) == words
    assert sum(time_spent(of_run).values()) == pytest.approx(0.8 + end)


def test_less_than_most_is_not_rounded_up_to_most():
    """Where two are named, neither took half; less than all is not all."""
    two = tree(tool(tool='search', duration=49.7), phases={'tools': 49.7, 'other': 50.3 - 20, 'queue': 20.0})
    assert mostly(two) == '49 % tool search, 30 % other work'
    nearly = tree(tool(tool='search', duration=99.7), phases={'tools': 99.7, 'other': 0.3})
    assert mostly(nearly) == '99 % tool search'
    assert mostly(tree(tool(tool='search', duration=1.0), phases={'tools': 1.0})) == '100 % tool search'


def test_a_nested_run_whose_time_is_not_known_stays_its_tools():
    """And so does one that no tool of the run can have called."""
    unknown = tree(agent='b')
    elsewhere = tree(response(duration=1.0), phases={'wait': 1.0}, agent='c', started_ns=9_000_000_000)
    spent = time_spent(tree(unknown, elsewhere, tool(tool='ask', duration=1.0), phases={'tools': 1.0}))
    assert spent == {Cause('tools', 'ask', 'a'): 1.0}


@pytest.mark.parametrize(
    ('phase', 'words'),
    [
        ('wait', 'waiting for the model'),
        ('stream', 'the model writing'),
        ('model', 'the model'),
        ('tools', 'tools'),
        ('native_tools', "the provider's tools"),
        ('consumer', "your code's handling of events"),
        ('queue', 'the queue'),
        ('other', 'other work'),
    ],
)
def test_a_phase_of_which_nothing_is_kept_has_its_own_words(phase: str, words: str):
    """Its requests and tool calls did not fit, or were not seen."""
    assert verdict(tree(phases={phase: 2.0})) == Verdict(f'100 % {words}')


def test_a_run_of_which_no_time_is_known_has_nothing_to_say():
    """Not even that it was nothing."""
    assert verdict(tree()) == Verdict('')


@pytest.mark.parametrize(
    ('failure', 'words'),
    [
        (FailureRecord(agent='a', error='KeyError', place='tool', name='lookup', step=2), 'KeyError in tool lookup'),
        (
            FailureRecord(agent='a', error='ModelHTTPError_429', place='model', name='p:m'),
            'ModelHTTPError_429 from p:m',
        ),
        (FailureRecord(agent='b', error='ToolFailed', place='tool', name='ask'), 'ToolFailed in tool ask (b)'),
        (FailureRecord(agent='a', error='UserError'), 'UserError'),
        (None, 'ValueError'),
    ],
    ids=['tool', 'model', 'of another agent', 'nowhere', 'a journal of an older version'],
)
def test_a_failure_says_what_failed_and_where(failure: FailureRecord | None, words: str):
    """As the record of the run has it; one without it says with which error at least."""
    failed = tree(response(), outcome='error', error_type='ValueError', failure=failure)
    assert verdict(failed) == Verdict(words, 'bad')


def looping(calls: int, others: int = 0, *, tool_seconds: float = 0.0, **of_run: Any) -> RunTree:
    """A run of so many requests for a call again, and so many for something else, of a second each."""
    pieces: list[Piece] = []
    for step in range(calls + others):
        pieces += [response(step=step), tool(step=step, tool='search', repeated=step < calls, duration=tool_seconds)]
    loops = LoopRecord(calls=calls, seconds=calls * tool_seconds, tokens=9)
    return tree(*pieces, phases={'wait': float(calls + others)}, loops=loops, **of_run)


def test_a_run_that_asked_for_the_same_again_and_again_was_in_a_loop():
    """If half of its requests did; before that, its time is said."""
    assert verdict(looping(9, 9)) == Verdict('in a loop: tool search again 9 times', 'warn')
    assert verdict(looping(1)) == Verdict('in a loop: tool search again once', 'warn')
    assert verdict(looping(8, 9)) == Verdict('100 % waiting for p:m')
    assert verdict(looping(0, 9)) == Verdict('100 % waiting for p:m')


def test_a_run_whose_time_went_into_calls_again_was_in_a_loop():
    """However few requests asked for them."""
    assert verdict(looping(2, 8, tool_seconds=3.0)) == Verdict('in a loop: tool search again 2 times', 'warn')
    assert in_a_loop(looping(2, 8, tool_seconds=2.0)) == ''


def test_how_often_is_the_records_figure():
    """The steps of a long run are not all kept; those that are tell what was repeated."""
    part = looping(3)
    long = RunTree(run(duration=400.0, loops=LoopRecord(calls=1200, seconds=1.0)), part.pieces, left_out=2400)
    assert verdict(long) == Verdict('in a loop: tool search again 1,200 times', 'warn')
    none_kept = RunTree(run(duration=400.0, loops=LoopRecord(calls=1200, seconds=300.0)))
    assert verdict(none_kept) == Verdict('in a loop: the same tools again 1,200 times', 'warn')


def test_two_tools_that_take_turns_are_both_named():
    """And the loop of a run that another run called is that agent's."""
    inside = tree(
        *(tool(step=step, tool=name, agent='b', repeated=True) for step in range(3) for name in ('look', 'wait')),
        *(response(step=step, agent='b') for step in range(3)),
        agent='b',
        loops=LoopRecord(calls=6, seconds=4.5),
    )
    assert verdict(tree(inside, response())).words == 'in a loop: tools look (b) and wait (b) again 6 times'


@pytest.mark.parametrize(
    ('outcome', 'expected'),
    [
        ('limit', Verdict('limit, in a loop: tool search again 4 times', 'bad')),
        ('cancelled', Verdict('cancelled, in a loop: tool search again 4 times', 'warn')),
    ],
)
def test_how_a_run_in_a_loop_ended_comes_first(outcome: str, expected: Verdict):
    """The loop is mostly why."""
    assert verdict(looping(4, outcome=outcome)) == expected


@pytest.mark.parametrize(
    ('last', 'outcome', 'expected'),
    [
        (response(outcome='cancelled', chunks=0), 'cancelled', Verdict('cancelled while waiting for p:m', 'warn')),
        (response(outcome='cancelled', chunks=9), 'cancelled', Verdict('cancelled while p:m was writing', 'warn')),
        (tool(outcome='interrupted', tool='search'), 'cancelled', Verdict('cancelled in tool search', 'warn')),
        (tool(outcome='deferred', tool='approve'), 'deferred', Verdict('deferred in tool approve')),
        (response(), 'incomplete', Verdict('incomplete')),
    ],
)
def test_a_run_that_was_not_finished_says_where_it_was(last: Piece, outcome: str, expected: Verdict):
    """A person who pressed Stop wants to know what they stopped."""
    assert verdict(tree(response(), last, outcome=outcome)) == expected


AT_MODEL = FailureRecord(agent='a', error='RunTimedOut', place='model', name='p:m', step=1)


@pytest.mark.parametrize(
    ('last', 'failure', 'words'),
    [
        (
            cut(),
            FailureRecord(agent='a', error='RunTimedOut', place='tool', name='cut', step=1),
            'RunTimedOut in tool cut',
        ),
        (cut(), None, 'RunTimedOut in tool cut'),
        (response(outcome='timeout', chunks=0), AT_MODEL, 'RunTimedOut while waiting for p:m'),
        (response(outcome='timeout', chunks=9), AT_MODEL, 'RunTimedOut while p:m was writing'),
        (response(), AT_MODEL, 'RunTimedOut at p:m'),
        (response(outcome='timeout', chunks=0), None, 'RunTimedOut while waiting for p:m'),
        (response(outcome='timeout', chunks=9), None, 'RunTimedOut while p:m was writing'),
        (response(), None, 'RunTimedOut'),
    ],
    ids=[
        'in a tool',
        'in a tool, of an older version',
        'before an answer',
        'in an answer',
        'in a request that is not kept',
        'before an answer, of an older version',
        'in an answer, of an older version',
        'elsewhere',
    ],
)
def test_a_run_whose_time_was_up_says_where_it_was(last: Piece, failure: FailureRecord | None, words: str):
    """As one that somebody stopped does."""
    of_run = tree(response(), last, outcome='timeout', error_type='RunTimedOut', failure=failure)
    assert verdict(of_run) == Verdict(words, 'bad')


def test_a_called_run_whose_time_was_up_says_where_it_was():
    """It ended the run that called it."""
    failure = FailureRecord(agent='b', error='RunTimedOut', place='model', name='p:m', step=1)
    ended: dict[str, Any] = {'outcome': 'timeout', 'error_type': 'RunTimedOut', 'failure': failure}
    asked = tree(response(outcome='timeout', chunks=9, agent='b'), agent='b', **ended)
    ask = tool(tool='ask', outcome='error', error_type='RunTimedOut')
    assert verdict(tree(asked, ask, **ended)) == Verdict('RunTimedOut while p:m was writing (b)', 'bad')


def test_what_was_cut_off_in_an_earlier_step_is_not_where_a_run_was():
    """It went on after it."""
    cut_before = cut(kind='native')
    assert verdict(tree(cut_before, response(step=2), outcome='cancelled')) == Verdict('cancelled', 'warn')


def test_runs_may_be_nested_more_deeply_than_calls():
    """Neither the time nor a loop is followed by recursion."""
    asked = response(duration=1.0, streamed=False)
    deep = tree(asked, phases={'model': 1.0}, agent='b')
    for _ in range(3000):
        deep = tree(deep, tool(tool='deeper', duration=1.0), phases={'tools': 1.0}, agent='b')
    assert time_spent(deep) == {Cause('model', 'p:m', 'b'): pytest.approx(1.0)}
    assert verdict(deep).words == '100 % p:m'

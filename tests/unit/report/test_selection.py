"""The runs that are chosen, out of a journal in which many are written at the same time."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from streamtap._records.records import RunRecord
from streamtap._report.choice import EVERYTHING, Choice
from streamtap._report.selection import Selection
from support.made_records import response, run, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

CALLED = {'parent_run_id': None, 'time_to_first_output': None}
"""What a run that another one called has if it is chosen by itself."""


def selected(choice: Choice, *records: Any) -> tuple[list[Any], Selection]:
    selection = Selection(choice)
    return list(selection.of(records)), selection


def team(number: int, **of_editor: Any) -> list[Any]:
    """An editor that lets a researcher search, in the order in which a journal has them."""
    editor, researcher = f'editor {number}', f'researcher {number}'
    return [
        response(run_id=editor, agent='editor'),
        tool(run_id=researcher, agent='researcher', tool='search'),
        run(run_id=researcher, parent_run_id=editor, agent='researcher', time_to_first_output=0.5),
        tool(run_id=editor, agent='editor', tool='ask'),
        run(run_id=editor, agent='editor', **of_editor),
    ]


def test_without_a_choice_nothing_is_held_back():
    """Also what never ended."""
    records = [*team(1), tool(run_id='open')]
    assert selected(EVERYTHING, *records)[0] == records


def test_a_run_comes_with_all_that_it_called():
    """Whole, however many are written at the same time."""
    failed, fine, other = team(1, outcome='error'), team(2), team(3, outcome='timeout')
    mixed = [record for three in zip(fine, failed, other, strict=True) for record in three]
    found, selection = selected(Choice(outcomes=('failed',)), *mixed)
    assert found == [*failed, *other]
    assert (selection.runs, selection.called, selection.notes()) == (2, 0, [])


def test_a_run_that_another_called_counts_as_one_if_its_agent_is_chosen():
    """It has no blank screen: nobody saw it. The report says so."""
    alone = run(run_id='alone', agent='researcher', time_to_first_output=0.5)
    editor = team(1)
    found, selection = selected(Choice(agents=('researcher',)), *editor, alone)
    assert found == [editor[1], replace(editor[2], **CALLED), alone]
    assert (selection.runs, selection.called) == (2, 1)
    assert selection.notes() == [
        'Of these 2 runs, 1 was called by another run: nobody saw a blank screen, so there is no time of one.'
    ]


def test_the_outermost_of_the_chosen_runs_counts():
    """What it called stays what it called, even if it would have been chosen, too."""
    records = [
        run(run_id='innermost', parent_run_id='inner', agent='a'),
        run(run_id='inner', parent_run_id='outer', agent='b'),
        run(run_id='outer', agent='a'),
    ]
    assert selected(Choice(agents=('a', 'b')), *records)[0] == records
    found, selection = selected(Choice(agents=('a', 'b'), run='inner'), *records)
    assert found == [records[0], replace(records[1], **CALLED)]
    assert selection.notes() == ['It was called by another run: nobody saw a blank screen, so there is no time of one.']


def test_a_run_that_ends_after_the_one_that_called_it_follows_it():
    """As what a tool leaves behind does."""
    late = [
        tool(run_id='late'),
        run(run_id='late', parent_run_id='editor 1'),
        run(run_id='later', parent_run_id='late'),
    ]
    for outcome in ('error', 'success'):
        editor = team(1, outcome=outcome)
        found, selection = selected(Choice(outcomes=('error',)), *editor, *late)
        assert found == ([*editor, *late] if outcome == 'error' else [])
        assert selection.unfinished == 0


def test_what_has_no_end_in_the_journal_is_counted():
    """But for what began too early anyway, and for runs that have ended and are of the agent."""
    records = [*team(1)[:-1], tool(run_id='early', started_ns=0)]
    since = [replace(record, started_ns=9) for record in records[:-1]]
    found, selection = selected(Choice(outcomes=('failed',), since_ns=5), *since, records[-1])
    assert (found, selection.unfinished) == ([], 3)
    assert selection.notes() == [
        'Requests and tool calls left out: 3 (their run has no end in the journal, so that it cannot be told whether it is '
        'meant)'
    ]
    found, selection = selected(Choice(agents=('researcher',)), *records)
    assert found == [records[1], replace(records[2], **CALLED)]
    assert selection.unfinished == 3


def test_what_does_not_fit_is_counted(monkeypatch: pytest.MonkeyPatch):
    """A run of any length is not kept for ever; what it goes on to do is chosen by its end."""
    monkeypatch.setattr('streamtap._report.run_trees.MAX_KEPT', 10)
    monkeypatch.setattr('streamtap._report.selection.MAX_KEPT', 10)
    records = [*(tool(tool_call_id=str(number)) for number in range(15)), run()]
    found, selection = selected(Choice(outcomes=('success',)), *records)
    assert (found, selection.given_up, selection.unfinished) == (records[11:], 11, 0)
    assert selection.notes() == [
        'Requests and tool calls left out: 11 (more than 10 were of runs that had not ended yet)'
    ]


def expected(choice: Choice, records: Sequence[Any]) -> list[Any]:
    """The same, by looking at the whole journal at once."""
    runs = {record.run_id: record for record in records if isinstance(record, RunRecord)}

    def root(run_id: str) -> str | None:
        chain = [run_id]
        while (parent := runs[chain[-1]].parent_run_id) is not None:
            chain.append(parent)
        return next((each for each in reversed(chain) if choice.takes(runs[each])), None)

    return [
        replace(record, **CALLED) if record is runs.get(found) and record.nested else record
        for record in records
        if (found := root(record.run_id)) is not None
    ]


@pytest.mark.parametrize(
    'choice',
    [
        Choice(agents=('a',)),
        Choice(agents=('a', 'b'), outcomes=('failed',)),
        Choice(labels={'tenant': ('x',)}),
        Choice(agents=('c',), labels={'tenant': ('x',)}),
        Choice(outcomes=('success',), since_ns=30, until_ns=70),
        Choice(agents=('b',), since_ns=50),
        Choice(run='20'),
    ],
    ids=str,
)
def test_one_pass_finds_what_two_would(choice: Choice):
    """Runs that call others at random, in an order in which they could end."""
    chance = random.Random(5)
    records: list[Any] = []
    parents: dict[str, str | None] = {}
    for number in range(100):
        parents[str(number)] = str(chance.randrange(number)) if number and chance.random() < 0.6 else None
    for number in range(99, -1, -1):
        # Each caller has a lower number, begins earlier and ends later.
        common = {'run_id': str(number), 'agent': chance.choice('abc'), 'labels': {'tenant': chance.choice('xy')}}
        records += [
            tool(**common, started_ns=number),
            run(
                **common,
                parent_run_id=parents[str(number)],
                started_ns=number,
                outcome=chance.choice(('success', 'error', 'limit', 'cancelled')),
            ),
        ]
    found = selected(choice, *records)[0]
    assert found
    assert sorted(found, key=repr) == sorted(expected(choice, records), key=repr)

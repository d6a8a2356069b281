"""Which runs a report can be of: how they are named, and which a choice takes."""

from __future__ import annotations

import argparse
import re
from datetime import datetime, timezone
from typing import Any, Literal, get_args

import pytest

from streamtap._records.records import RunOutcome
from streamtap._report.arguments import report_of
from streamtap._report.choice import EVERYTHING, FAILED, Choice, parse_labels, parse_when
from streamtap._report.choice_options import OUTCOMES
from streamtap._report.options import add_report_arguments
from support.made_records import run

NOON = int(datetime(2026, 11, 30, 12, tzinfo=timezone.utc).timestamp()) * 10**9


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=timezone.utc).timestamp()) * 10**9  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ('text', 'meant'),
    [
        ('30s', utc(2026, 11, 30, 11, 59, 30)),
        ('30m', utc(2026, 11, 30, 11, 30)),
        ('1.5h', utc(2026, 11, 30, 10, 30)),
        ('7d', utc(2026, 11, 23, 12)),
        ('2w', utc(2026, 11, 16, 12)),
        ('2026-11-30T09:30', utc(2026, 11, 30, 9, 30)),
        ('2026-11-30 09:30:15', utc(2026, 11, 30, 9, 30, 15)),
        ('2026-11-30T09:30Z', utc(2026, 11, 30, 9, 30)),
        ('2026-11-30T09:30+02:00', utc(2026, 11, 30, 7, 30)),
        ('999999w', 0),
        ('1969-01-01', 0),
    ],
)
@pytest.mark.parametrize('option', ['--since', '--until'])
def test_a_time_is_an_age_or_in_the_form_of_iso_8601(option: Literal['--since', '--until'], text: str, meant: int):
    """It is UTC unless it says otherwise."""
    assert parse_when(option, text, NOON) == meant


def test_a_date_is_a_whole_day():
    """From its beginning, to its end."""
    assert parse_when('--since', '2026-11-30', NOON) == utc(2026, 11, 30)
    assert parse_when('--until', '2026-11-30', NOON) == utc(2026, 12, 1)


@pytest.mark.parametrize(
    'text', ['', 'yesterday', '2', '2 h', '-2h', '2026-11', '2026-13-01', '2026-11-30T25:00', '٣h']
)
def test_what_is_no_time_is_refused_with_what_to_write(text: str):
    """With an example of each form."""
    with pytest.raises(
        ValueError, match=f'^--since {re.escape(text)}: write an age such as 30m, 2h or 7d, a date such'
    ):
        parse_when('--since', text, NOON)


def test_of_the_same_label_either_value_is_meant():
    """And of different labels all."""
    assert parse_labels([]) is None
    assert parse_labels(['tenant=acme', 'tenant=b=c', 'tier=']) == {'tenant': ('acme', 'b=c'), 'tier': ('',)}
    with pytest.raises(
        ValueError, match=r'^--label acme: write the name of a label and its value, such as tenant=acme$'
    ):
        parse_labels(['acme'])


@pytest.mark.parametrize(
    ('choice', 'changes', 'is_taken'),
    [
        (EVERYTHING, {}, True),
        (EVERYTHING, {'parent_run_id': 'p'}, False),
        (Choice(agents=('a', 'b')), {}, True),
        (Choice(agents=('a', 'b')), {'parent_run_id': 'p'}, True),
        (Choice(agents=('b',)), {}, False),
        (Choice(run='r'), {'parent_run_id': 'p'}, True),
        (Choice(run='s'), {}, False),
        (Choice(labels={'tenant': ('acme', 'bolt')}), {'labels': {'tenant': 'bolt'}}, True),
        (Choice(labels={'tenant': ('acme',), 'tier': ('1',)}), {'labels': {'tenant': 'acme', 'tier': '2'}}, False),
        (Choice(labels={'tenant': ('acme',)}), {}, False),
        (Choice(outcomes=('failed',)), {'outcome': 'limit'}, True),
        (Choice(outcomes=('failed', 'cancelled')), {'outcome': 'cancelled'}, True),
        (Choice(outcomes=('failed',)), {'outcome': 'cancelled'}, False),
        (Choice(since_ns=5), {'started_ns': 5}, True),
        (Choice(since_ns=5), {'started_ns': 4}, False),
        (Choice(until_ns=5), {'started_ns': 5}, False),
        (Choice(agents=('a',), outcomes=('success',), since_ns=1, until_ns=9), {'started_ns': 8}, True),
        (Choice(agents=('a',), outcomes=('error',), since_ns=1, until_ns=9), {'started_ns': 8}, False),
    ],
)
def test_a_run_is_taken_if_all_is_so(choice: Choice, changes: dict[str, Any], is_taken: bool):  # noqa: FBT001 - a case
    """A run that another one called only where an agent or a run is named."""
    assert choice.takes(run(**changes)) is is_taken


@pytest.mark.parametrize(
    ('choice', 'said'),
    [
        (EVERYTHING, ''),
        (Choice(run='r'), 'only run r, and all that it called'),
        (Choice(since_ns=NOON), 'only runs begun since 2026-11-30 12:00:00 UTC, and all that they called'),
        (Choice(outcomes=('failed', 'limit')), 'only runs that ended as failed or limit, and all that they called'),
        (
            Choice(('a', 'b'), {'tenant': ('x', 'y'), 'tier': ('1',)}, NOON, NOON + 10**9, ('failed',)),
            'only runs of a or b with tenant=x or y and tier=1 that failed, begun since 2026-11-30 12:00:00 UTC and before '
            '2026-11-30 12:00:01 UTC, and all that they called',
        ),
    ],
)
def test_a_choice_says_what_it_is(choice: Choice, said: str):
    """In the heading of the report."""
    assert str(choice) == said


def choice_of(*arguments: str) -> Choice:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_report_arguments(parser)
    return report_of(parser.parse_args(['j', *arguments]), NOON).choice


def test_options_combine():
    """One that is given twice means either."""
    options = ['--agent', 'a', '--agent', 'b', '--agent', 'a', '--label', 'tenant=x', '--since', '1h', '--until', '30m']
    assert choice_of(*options, '--outcome', 'failed', '--run', 'r') == Choice(
        ('a', 'b'), {'tenant': ('x',)}, utc(2026, 11, 30, 11), utc(2026, 11, 30, 11, 30), ('failed',), 'r'
    )
    assert choice_of() == EVERYTHING


def test_every_outcome_can_be_chosen():
    """And all that are failures at once."""
    assert set(OUTCOMES) == {*get_args(RunOutcome), FAILED}
    assert choice_of(*(argument for outcome in OUTCOMES for argument in ('--outcome', outcome))).outcomes == OUTCOMES


@pytest.mark.parametrize(
    ('arguments', 'why'),
    [
        (['--since', '1h', '--until', '2h'], '--until 2h is not after --since 1h: no run began in between'),
        (
            ['--trace-url', 'https://t/{trace_id}'],
            '--trace-url only works with a page: give --format html, or a file that ends in .html',
        ),
        (
            ['--trace-url', 'ftp://t/{trace_id}', '--format', 'html'],
            '--trace-url must begin with http:// or https:// and a host: write it like '
            'https://traces.example.com/trace/{trace_id}',
        ),
    ],
)
def test_what_chooses_nothing_is_refused(arguments: list[str], why: str):
    """And a link that leads nowhere."""
    with pytest.raises(ValueError, match=f'^{re.escape(why)}$'):
        choice_of(*arguments)

"""The options of `streamtap report` that choose runs, and lead to their traces.

Every command declares them when it starts, so nothing heavy is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.trace_urls import PLACE

if TYPE_CHECKING:
    import argparse

OUTCOMES = ('failed', 'success', 'error', 'cancelled', 'timeout', 'limit', 'deferred', 'incomplete')
"""How a run can have ended; `failed` is several of these."""


def add_choice_options(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    choice = parser.add_argument_group(
        'which runs',
        'with all that they called; an option given twice means either,\nand several options mean all of them',
    )
    choice.add_argument(
        '--agent',
        metavar='NAME',
        action='append',
        default=[],
        help='runs of this agent, also those that other agents called',
    )
    choice.add_argument(
        '--label', metavar='NAME=VALUE', action='append', default=[], help='runs with this value of a label of yours'
    )
    choice.add_argument(
        '--since', metavar='WHEN', help='runs that began since then: 30m, 2h or 7d ago, a date, or a time (UTC)'
    )
    choice.add_argument('--until', metavar='WHEN', help='runs that began before then; a date includes that whole day')
    choice.add_argument(
        '--outcome',
        choices=OUTCOMES,
        metavar='OUTCOME',
        action='append',
        default=[],
        help=f'runs that ended so: {", ".join(OUTCOMES)}; failed is error, timeout or limit',
    )
    choice.add_argument(
        '--run', dest='run_id', metavar='ID', help='this run only, with its steps: its id, or how that begins'
    )
    parser.add_argument(
        '--trace-url',
        metavar='TEMPLATE',
        help=f'with --format html: link each run to its trace, such as https://traces.example.com/trace/{PLACE}',
    )

"""The options of `streamtap report`; every command declares them when it starts, so nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from streamtap._report.choice_options import add_choice_options

if TYPE_CHECKING:
    import argparse

Format: TypeAlias = Literal['table', 'json', 'csv', 'html', 'markdown', 'github']


Engine: TypeAlias = Literal['python', 'duckdb']

ENDINGS: dict[str, Format] = {'.html': 'html', '.json': 'json', '.csv': 'csv', '.md': 'markdown'}
"""The formats that a file has by the ending of its name, unless another one is asked for."""


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument('files', metavar='FILE', nargs='*', help='a journal, a pattern of journals, or - for stdin')
    parser.add_argument(
        '--compare', nargs=2, metavar=('BEFORE', 'AFTER'), help='show what changed between two journals instead'
    )
    parser.add_argument(
        '--format',
        choices=get_args(Format),
        help=f'output format (default: by the ending of --output, {", ".join(ENDINGS)}; otherwise table)',
    )
    parser.add_argument('-o', '--output', metavar='PATH', type=Path, help='write to this file instead of stdout')
    parser.add_argument(
        '--by',
        metavar='WHAT',
        action='append',
        default=[],
        help='show the main figures of each agent, model, tool or service_version, or of each value of the label of that name, '
        'side by side; with --compare or --budget, judge each of them; all is everybody together; may be given several times',
    )
    parser.add_argument(
        '--engine',
        choices=get_args(Engine),
        help='what reads the journals; the figures are the same (default: duckdb, an extra, for more than 64 MiB, if it is installed)',
    )
    add_choice_options(parser)
    gate = parser.add_argument_group('the gate', 'exits with 3 if something is worse, or a budget is missed')
    gate.add_argument('--fail-on', choices=('worse',), help='with --compare: fail if something is clearly worse')
    gate.add_argument(
        '--min-change',
        metavar='CHANGE',
        action='append',
        default=[],
        help="with --compare: the smallest change that is called one, such as 10%% of times, costs and speeds, or '2 points' "
        'of shares; may be given for both (default: 5%% and 1 point)',
    )
    gate.add_argument(
        '--budget',
        metavar='BUDGET',
        action='append',
        default=[],
        help="fail if this is missed, such as 'blank_screen.p95 <= 3s' or 'failed <= 1%%'; may be given several times",
    )
    gate.add_argument('--strict', action='store_true', help='fail also on what is too few to tell or to judge')

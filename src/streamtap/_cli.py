"""The `streamtap` command: its arguments and its exit status."""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from streamtap._base.clock import SystemClock
from streamtap._dashboards.command import add_export_arguments, check, export
from streamtap._demo.fault import FAULTS, Fault
from streamtap._display.exits import in_line
from streamtap._report.options import add_report_arguments
from streamtap._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

_NEEDED = ('rich', 'openai')

_COMMAND = 'COMMAND'

_EXAMPLES = """\
examples:
  streamtap demo                               watch tapped agents live
  streamtap report runs.jsonl -o report.html   a page of what a journal has
  streamtap dashboards export boards           boards and alerts, to a folder

`streamtap COMMAND --help` shows the options of a command."""


_DASHBOARD_EXAMPLES = """\
examples:
  streamtap dashboards export boards                  all of them, to a new folder
  streamtap dashboards export boards --label tenant   the same, with your own label
  streamtap dashboards check boards                   what was changed in it

`streamtap dashboards COMMAND --help` shows the options of a command."""


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error on one line, and guesses what was meant."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {in_line(message)}\n')

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Report arguments that this command does not take."""
        options = [each.partition('=')[0] for each in unknown if each.startswith('-')]
        if not options:
            self.error(f'unexpected argument {unknown[0]!r}')
        guess = _guess(options[0], self._option_string_actions) or f' {self.prog} --help shows those that there are'
        self.error(f'there is no option {options[0]}.{guess}')

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 - as argparse declares it
        if action.choices is None or value in action.choices:
            return
        choices = list(map(str, action.choices))
        known = f'{_guess(str(value), choices)} There are {", ".join(choices)}'
        if action.metavar == _COMMAND:
            raise argparse.ArgumentError(None, f'there is no command {value!r}.{known}')
        raise argparse.ArgumentError(action, f'there is no {value!r}.{known}')

    def _match_argument(self, action: argparse.Action, arg_strings_pattern: str) -> int:
        try:
            return super()._match_argument(action, arg_strings_pattern)
        except argparse.ArgumentError:
            if not isinstance(action.metavar, tuple):
                raise
            option, (before, after) = action.option_strings[0], action.metavar
            needed = f'{option} needs a {before.lower()} and an {after.lower()}: {option} {before} {after}'
            raise argparse.ArgumentError(None, needed) from None


def _guess(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f' Did you mean {near[0]}?' if near else ''


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments, without the program's name; those of the process by default.

    Returns:
        The exit status: 0; 1 if a report had to leave something out; 2 if the command failed; 3 if a gate is not passed.
    """
    arguments, unknown = _parser().parse_known_args(argv)
    parser: _Parser = arguments.parser
    if unknown:
        parser.refuse(unknown)
    if (reconfigure := getattr(sys.stdout, 'reconfigure', None)) is not None:
        reconfigure(errors='replace')  # A terminal that cannot encode a box character shows a question mark.
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return 0  # Ctrl-C before the demo began: there is nothing to summarize.
    except BrokenPipeError:
        # Nobody reads our output any more (`streamtap demo | head`); Python would fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog='streamtap',
        description='An observability tap for Pydantic AI agents.',
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--version', action='version', version=f'streamtap {__version__}')
    _shows_help(parser)
    commands = parser.add_subparsers(metavar=_COMMAND)
    demo = commands.add_parser(
        'demo',
        help='watch tapped agents live in the terminal; needs no API key and no network',
        description='Run tapped agents against a paced fake provider, with a live table in the terminal,\n'
        'and the live view and /metrics over HTTP.\n'
        'If OTEL_EXPORTER_OTLP_ENDPOINT is set, traces are sent there.',
        epilog='faults:\n' + '\n'.join(f'  {name:<12}{what}' for name, what in FAULTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_demo_arguments(demo)
    _add_report(commands)
    _add_dashboards(commands)
    return parser


def _shows_help(parser: _Parser) -> None:
    """Without a command below it, it shows its help: nothing was asked for, so nothing failed."""

    def run(_: argparse.Namespace) -> int:
        parser.print_help()
        return 0

    parser.set_defaults(run=run, parser=parser)


def _add_report(commands: argparse._SubParsersAction[_Parser]) -> None:  # pyright: ignore[reportPrivateUsage]
    report = commands.add_parser(
        'report',
        help='report what journals contain, as tables, data or a page; or compare two',
        description='Report what JournalSink wrote. Each FILE includes its rotated files.',
        epilog='exit status:\n  0  everything was read\n'
        '  1  some lines or files, named on stderr, were not; the rest was reported\n'
        '  2  there was nothing to report, or the command was invalid\n'
        '  3  the gate is not passed: something is worse, or a budget is missed',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    report.set_defaults(run=_report, parser=report)
    add_report_arguments(report)


def _add_dashboards(commands: argparse._SubParsersAction[_Parser]) -> None:  # pyright: ignore[reportPrivateUsage]
    dashboards = commands.add_parser(
        'dashboards',
        help='boards, rules and alerts for your own monitoring',
        description='Boards, rules and alerts for your own Prometheus and Grafana.',
        epilog=_DASHBOARD_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _shows_help(dashboards)
    what = dashboards.add_subparsers(metavar=_COMMAND)
    export = what.add_parser(
        'export',
        help='write them to a folder',
        description='Write boards, rules, alerts and the files that deploy them to a folder.',
    )
    export.set_defaults(run=_export, parser=export)
    add_export_arguments(export)
    check = what.add_parser(
        'check',
        help='say what was changed in an export, or what this release writes differently',
        description='Compare an export with what this release writes from its streamtap.toml,\n'
        'and look in its boards, and yours beside them, for metrics and labels that do not exist.',
        epilog='exit status:\n  0  there is no difference\n  1  there are some, named on stdout\n'
        '  2  the export could not be read',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.set_defaults(run=_check, parser=check)
    check.add_argument('folder', metavar='DIR', type=Path, help='what `export` wrote')


def _add_demo_arguments(demo: argparse.ArgumentParser) -> None:
    demo.set_defaults(run=_demo, parser=demo)
    demo.add_argument(
        '--for',
        dest='seconds',
        metavar='SECONDS',
        type=_seconds,
        help='stop after this many seconds instead of at Ctrl-C',
    )
    demo.add_argument(
        '--port',
        type=_port,
        default=9464,
        help='port of the live view and /metrics; 0 picks a free one (default: %(default)s)',
    )
    demo.add_argument(
        '--addr',
        default='127.0.0.1',
        help='address to listen on; 0.0.0.0 for every interface, as in a container (default: %(default)s)',
    )
    traffic = demo.add_mutually_exclusive_group()
    traffic.add_argument(
        '--model',
        metavar='NAME',
        help='use your own model and API key instead, such as openai:gpt-5.2: real requests, which cost money',
    )
    traffic.add_argument(
        '--fault',
        choices=FAULTS,
        metavar='FAULT',
        help='inject this fault, and no other, for boards and alerts to show',
    )
    demo.add_argument(
        '--fault-after',
        metavar='SECONDS',
        type=_seconds,
        help='with --fault: inject it only after this many seconds, so that boards show when it began',
    )


def _demo(arguments: argparse.Namespace) -> int:
    if arguments.fault_after is not None and arguments.fault is None:
        return _refuse('demo', '--fault-after needs a fault: --fault FAULT')
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return _refuse('demo', f'the demo needs {" and ".join(missing)}: install the extra, streamtap[demo]')
    # Imported here, so that the command can say what is missing.
    from streamtap._demo.run import DemoError, run_demo
    from streamtap._upstream.versions import TooOldError

    try:
        run_demo(
            seconds=arguments.seconds,
            addr=arguments.addr,
            port=arguments.port,
            model=arguments.model,
            fault=Fault(arguments.fault, after=arguments.fault_after or 0.0),
        )
    except (DemoError, TooOldError) as error:
        return _refuse('demo', str(error))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    try:
        told = export(arguments)
    except (OSError, ValueError) as error:
        return _refuse('dashboards export', _why(error))
    print(in_line(told))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    try:
        different = check(arguments.folder)
    except (OSError, ValueError) as error:
        return _refuse('dashboards check', _why(error))
    for each in different:
        print(in_line(each))
    if not different:
        print(in_line(f'{arguments.folder} is as streamtap {__version__} writes it'))
    return 1 if different else 0


def _report(arguments: argparse.Namespace) -> int:
    # Imported here, so that the other commands start without it.
    from streamtap._report.arguments import report_of
    from streamtap._report.command import report

    try:
        return report(report_of(arguments, SystemClock.unix_ns()))
    except BrokenPipeError:
        raise
    except (ImportError, OSError, ValueError) as error:
        return _refuse('report', _why(error))


def _why(error: ImportError | OSError | ValueError) -> str:
    """What went wrong, with the file first, as commands say it."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror is not None:
        return f'{error.filename}: {error.strerror}'
    return str(error)


def _refuse(command: str, why: str) -> int:
    print(f'streamtap {command}:', in_line(why), file=sys.stderr)
    return 2


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError(f'must be a number of seconds above 0, not {text!r}')
    return seconds


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f'must be a port from 0 to 65535, not {text!r}')
    return int(text)

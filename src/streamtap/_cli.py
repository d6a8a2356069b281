"""The command `streamtap`: its arguments, and how it ends."""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from streamtap._version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEEDED = ('rich', 'openai')


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {message}\n')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments, without the program's name; those of the process by default.

    Returns:
        The exit status: 0, or 2 when it could not do what was asked.
    """
    arguments = _parser().parse_args(argv)
    try:
        return _demo(arguments.seconds, arguments.port, arguments.model)
    except KeyboardInterrupt:
        return 0  # Ctrl-C before the demo began: there is nothing to sum up.
    except BrokenPipeError:
        # The reader of our output left (`streamtap demo | head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog='streamtap', description='An observability tap for Pydantic AI agents.')
    parser.add_argument('--version', action='version', version=f'streamtap {__version__}')
    commands = parser.add_subparsers(metavar='COMMAND', required=True)
    demo = commands.add_parser(
        'demo',
        help='watch tapped agents live in the terminal; no key and no network needed',
        description='Run agents against a paced fake provider, tapped: a live table in the terminal, and /metrics.',
    )
    demo.add_argument(
        '--for', dest='seconds', metavar='SECONDS', type=_seconds, help='end after so long, not at Ctrl-C'
    )
    demo.add_argument('--port', type=_port, default=9464, help='port of /metrics; 0 takes any free one (%(default)s)')
    demo.add_argument(
        '--model',
        metavar='NAME',
        help='your own model and key instead, such as openai:gpt-5.2: real requests, which cost',
    )
    return parser


def _demo(seconds: float | None, port: int, model: str | None) -> int:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return _refuse(f'the demo needs {" and ".join(missing)}: install the extra, streamtap[demo]')
    # Not at the top, so that the command can tell what is missing.
    from streamtap._demo._run import DemoError, run_demo

    if (reconfigure := getattr(sys.stdout, 'reconfigure', None)) is not None:
        reconfigure(errors='replace')  # A terminal that cannot show a frame shows question marks.
    try:
        run_demo(seconds=seconds, port=port, model=model)
    except DemoError as error:
        return _refuse(str(error))
    return 0


def _refuse(why: str) -> int:
    print('streamtap demo:', ' '.join(why.split()), file=sys.stderr)
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

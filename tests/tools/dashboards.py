"""Writes boards, rules and alerts into the repository; `--check` fails if one is out of date or nothing writes it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from streamtap._dashboards.check import asked_in_vain
from streamtap._dashboards.config import CONFIG
from streamtap._dashboards.export import write
from streamtap._dashboards.generated import generated

FOLDER = Path(__file__).parents[2] / 'dashboards'

GENERATED = ('grafana/*.json', 'logfire/*.json', 'prometheus/*.yaml', 'kubernetes/*.yaml')
"""Where each file is written by the generator."""


def complaints(folder: Path) -> list[str]:
    """What is wrong with the files of a folder.

    Args:
        folder: The folder.
    """
    files = generated(CONFIG)
    there = {path.relative_to(folder).as_posix() for pattern in GENERATED for path in folder.glob(pattern)}
    stale = [
        path
        for path, text in files.items()
        if not (folder / path).is_file() or (folder / path).read_text(encoding='utf-8') != text
    ]
    return [
        *(f'{path} is out of date: run `make dashboards`' for path in stale),
        *(f'{path} has no generator: delete it, or give its board one' for path in sorted(there - set(files))),
        *asked_in_vain(folder, CONFIG),
    ]


def main(argv: list[str] | None = None) -> int:
    """Write the files, or say what is wrong with them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing; exit 1 if something is wrong')
    parser.add_argument('--to', type=Path, default=FOLDER, metavar='DIR', help='where to write them (%(default)s)')
    arguments = parser.parse_args(argv)
    folder: Path = arguments.to
    try:
        wrong = complaints(folder) if arguments.check else write(generated(CONFIG), folder)
    except ValueError as error:
        wrong = [str(error)]
    for complaint in wrong or ():
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

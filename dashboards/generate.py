"""Writes the Grafana boards; `--check` fails if they are out of date or ask for what the catalogue does not have."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from generator.board_models import MODELS
from generator.board_overview import OVERVIEW
from generator.board_streaming import STREAMING
from generator.board_tools import TOOLS
from generator.contract import strangers
from generator.promql import UnknownMetricError

from streamtap._catalogue import check_label_names

BOARDS = (OVERVIEW, STREAMING, MODELS, TOOLS)
FOLDER = Path(__file__).parent / 'grafana'


def render(user_labels: tuple[str, ...] = ()) -> dict[str, str]:
    """Each board's file name and text.

    Args:
        user_labels: The user's own labels, as in `Tap(labels=...)`.
    """
    boards = {f'{board.name}.json': board.render(user_labels) for board in BOARDS}
    return {name: json.dumps(board, indent=2, ensure_ascii=False) + '\n' for name, board in boards.items()}


def complaints(files: dict[str, str], folder: Path, user_labels: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with the boards of a folder.

    Args:
        files: The boards as they should be.
        folder: Where they are.
        user_labels: The user's own labels.
    """
    found = [f'{name}: {stranger}' for name, text in files.items() for stranger in strangers(text, user_labels)]
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding='utf-8') != text:
            found.append(f'{name} is out of date: run `make dashboards`')
    orphans = sorted(path.name for path in folder.glob('*.json') if path.name not in files)
    return found + [
        f'{name} has no generator: delete it, or add its board to dashboards/generate.py' for name in orphans
    ]


def main(argv: list[str] | None = None) -> int:
    """Write the boards, or say what is wrong with them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing; exit 1 if something is wrong')
    parser.add_argument(
        '--label', action='append', default=[], metavar='NAME', help='a label of your own, as in Tap(labels=...)'
    )
    parser.add_argument('--to', type=Path, default=FOLDER, metavar='DIR', help='where to write them (%(default)s)')
    arguments = parser.parse_args(argv)
    labels, folder = tuple(arguments.label), arguments.to
    try:
        check_label_names(labels)
        files = render(labels)
    except (UnknownMetricError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.check:
        wrong = complaints(files, folder, labels)
        print(*wrong, sep='\n', end='\n' if wrong else '', file=sys.stderr)
        return 1 if wrong else 0
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())

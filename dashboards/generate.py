"""Writes boards, rules and alerts; `--check` fails if one is out of date or asks for what the catalogue does not have."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from config import CONFIG
from generator.contract import strangers
from generator.generated_files import orphans, stale, write
from generator.grafana_boards import grafana_files
from generator.logfire_boards import logfire_files
from generator.promql import UnknownMetricError
from generator.rules_yaml import rule_files

from streamtap._sinks.metrics.user_labels import checked_labels

if TYPE_CHECKING:
    from config import Config

FOLDER = Path(__file__).parent


def generated(config: Config = CONFIG, user_labels: tuple[str, ...] = ()) -> dict[str, str]:
    """The text of every file, by its path under `dashboards/`.

    Args:
        config: What the rules and alerts call bad.
        user_labels: The user's own labels, as in `Tap(labels=...)`, by which viewers of the boards can filter.

    Raises:
        UnknownMetricError: If a board asks for a metric that the catalogue does not have.
        ValueError: If a rule does, or if a label cannot be one.
    """
    checked_labels(user_labels)
    return {**grafana_files(config, user_labels), **rule_files(config), **logfire_files()}


def complaints(files: dict[str, str], folder: Path, user_labels: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with the files of a folder.

    Args:
        files: The files as they should be.
        folder: Where they are.
        user_labels: The user's own labels.
    """
    boards = {path: text for path, text in files.items() if path.endswith('.json')}
    return [
        *(f'{path}: {stranger}' for path, text in boards.items() for stranger in strangers(text, user_labels)),
        *(f'{path} is out of date: run `make dashboards`' for path in stale(files, folder)),
        *(f'{path} has no generator: delete it, or give its board one' for path in orphans(boards, folder)),
    ]


def main(argv: list[str] | None = None) -> int:
    """Write the files, or say what is wrong with them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing; exit 1 if something is wrong')
    parser.add_argument(
        '--label', action='append', default=[], metavar='NAME', help='a label of your own, as in Tap(labels=...)'
    )
    parser.add_argument(
        '--runbooks',
        default=CONFIG.runbooks,
        metavar='URL',
        help='where your people read runbooks.md; alerts link to its headings (%(default)s)',
    )
    parser.add_argument(
        '--grafana',
        default=CONFIG.grafana,
        metavar='URL',
        help='the URL of your Grafana; alerts link to its boards (only their path, without it)',
    )
    parser.add_argument('--to', type=Path, default=FOLDER, metavar='DIR', help='where to write them (%(default)s)')
    arguments = parser.parse_args(argv)
    labels: tuple[str, ...] = tuple(arguments.label)
    folder: Path = arguments.to
    try:
        files = generated(replace(CONFIG, runbooks=arguments.runbooks, grafana=arguments.grafana), labels)
    except (UnknownMetricError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if not arguments.check:
        write(files, folder)
        return 0
    wrong = complaints(files, folder, labels)
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

"""Gathers the figures of very many records, and tells when that is worth it."""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from streamtap._report.fleet.chosen import choose
from streamtap._report.fleet.gathered import FleetGathered
from streamtap._report.fleet.store import store

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    from streamtap._records.as_json import Record
    from streamtap._report.choice import Choice
    from streamtap._sinks.journal.reader import BrokenLine

WORTH_IT = 64 * 1024 * 1024
"""From how many bytes on a report takes longer without DuckDB than with it, by more than the time to start that."""


def is_worth_it(files: Sequence[Path]) -> bool:
    """Whether there is so much to read, and DuckDB is installed."""
    size = sum(each.stat().st_size for each in files if each.is_file())
    return size > WORTH_IT and importlib.util.find_spec('duckdb') is not None


@contextmanager
def fleet_gathered(
    stdin: Iterable[Record],
    files: Sequence[Path],
    names: str,
    choice: Choice,
    on_broken: Callable[[BrokenLine], None],
    on_file: Callable[[str, OSError], None],
) -> Generator[FleetGathered]:
    """The figures of some journals, which can be asked for more as long as this is not left.

    Args:
        stdin: Records that come first.
        files: The journals.
        names: Their names, for headings.
        choice: Which runs are looked at.
        on_broken: Called with each line that cannot be read.
        on_file: Called with each file that cannot be read, and why.

    Raises:
        EndedTwiceError: If only some runs are looked at, and one has more than one end.
        ImportError: If DuckDB is not installed; the message names the extra.
    """
    with store() as records:
        records.read(stdin, files, on_broken, on_file)
        selection, last = choose(records, choice)
        if (whole := selection.known.whole_id) is not None:
            selection, last = choose(records, replace(choice, run=whole))
        yield FleetGathered(records, names, selection, last)

"""Which format a file with records has, and what reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._report.exports.otlp import read_otlp
from streamtap._report.exports.parquet import read_parquet
from streamtap._sinks.journal.reader import read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from streamtap._records.as_json import Record
    from streamtap._sinks.journal.reader import BrokenLine

FileFormat: TypeAlias = Literal['journal', 'otlp', 'parquet']

_OTLP = re.compile(rb'\s*\{\s*"resource(Logs|Metrics|Spans)"')

_PARQUET = b'PAR1'


def format_of(file: BinaryIO) -> FileFormat:
    """The format of a file that is at its beginning, and stays there; a journal if it cannot be looked at in advance."""
    peek: Callable[[int], bytes] | None = getattr(file, 'peek', None)
    first = b'' if peek is None else peek(4096)
    if first.startswith(_PARQUET):
        return 'parquet'
    return 'otlp' if _OTLP.match(first) else 'journal'


def records_in(path: Path, file: BinaryIO, on_broken: Callable[[BrokenLine], None]) -> Iterator[Record]:
    """Yield the records of a file.

    Args:
        path: The file.
        file: The same, open and at its beginning.
        on_broken: Called with each line that cannot be read.

    Raises:
        ImportError: If it is Parquet, and DuckDB is not installed.
        OSError: If it cannot be read.
    """
    found = format_of(file)
    if found == 'parquet':
        return read_parquet(path, on_broken)
    return (read_otlp if found == 'otlp' else read_lines)(str(path), file, on_broken)

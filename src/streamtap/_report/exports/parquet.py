"""Reads Parquet files with a row for each record, with DuckDB."""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING
from uuid import UUID

from streamtap._records.flat import record_of_flat
from streamtap._report.exports.duck import duck
from streamtap._sinks.journal.reader import BrokenLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streamtap._records.as_json import Record

_AT_ONCE = 1000
"""How many rows are in memory."""


def read_parquet(path: Path, on_broken: Callable[[BrokenLine], None]) -> Iterator[Record]:
    """Yield the records of a file.

    A column `record` says what each row is of: a `run`, a `response` or a `tool`; the other columns are its fields, null
    where it has none. Rows with the header of a journal are left out.

    Args:
        path: The file.
        on_broken: Called with each row that cannot be read, and for a file that DuckDB cannot read.

    Raises:
        ImportError: If DuckDB is not installed; the message names the extra.
    """
    name, number = str(path), 0
    with duck(readable=[path]) as found:
        try:
            rows = found.connection.execute('FROM read_parquet(?)', [name.replace('*', '[*]').replace('?', '[?]')])
            columns = [each[0] for each in rows.description or ()]
            while many := rows.fetchmany(_AT_ONCE):
                for row in many:
                    number += 1
                    try:
                        record = _record(dict(zip(columns, map(_plain, row), strict=True)))
                    except ValueError as why:
                        on_broken(BrokenLine(name, number, str(why)))
                        continue
                    if record is not None:
                        yield record
        except found.error:
            on_broken(BrokenLine(name, number + 1, 'not Parquet that DuckDB can read'))


def _record(fields: dict[str, object]) -> Record | None:
    name = fields.pop('record', None)
    if name == 'journal':
        return None
    if not isinstance(name, str):
        raise ValueError('no "record" that names its type')
    return record_of_flat(name, fields)


def _plain(value: object) -> object:
    """What looks like an id or a time in JSON may be one in Parquet."""
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, (date, time)) else value

"""The lines of a journal: a header each time it is opened, then one record per line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydantic_core import from_json

from streamtap._records.as_json import encode, record_name, record_of, told_fields
from streamtap._version import __version__

if TYPE_CHECKING:
    from streamtap._records.as_json import Record

SCHEMA = 1
"""The version of the format that is read and written."""

MAX_SCHEMA = 1_000_000
"""No schema will be as great: such a number is not one."""


@dataclass(frozen=True, slots=True)
class Header:
    """The line before the first record of a process: `schema` applies to the lines after it."""

    schema: int


def header_line() -> bytes:
    """The line that says how to read the lines after it."""
    return encode({'record': 'journal', 'schema': SCHEMA, 'streamtap': __version__, 'pid': os.getpid()})


def record_line(record: Record) -> bytes:
    """The line of a record, without the fields that have their default: a reader gives them that."""
    return encode({'record': record_name(record), **told_fields(record)})


def read_line(line: bytes) -> Record | Header:
    """The record or header on a line, if every value of it is within the bounds of records.

    Raises:
        ValueError: If the line is neither; the message says why, on one short line, without quoting any value of it.
    """
    try:
        # Unlike the standard library's, this parser has a limit of depth, and rejects `NaN` and `Infinity`.
        value: object = from_json(line.rstrip(), allow_inf_nan=False)
    except ValueError as error:
        why = str(error).replace(' at line 1 column ', ' at column ')
        raise ValueError(f'not JSON: {why}{" (truncated?)" if why.startswith("EOF") else ""}') from None
    if not isinstance(value, dict):
        raise ValueError('not a JSON object')
    fields = cast('dict[str, object]', value)
    name = fields.get('record')
    if name == 'journal':
        schema = fields.get('schema')
        if type(schema) is not int or not 0 < schema <= MAX_SCHEMA:
            raise ValueError('a header without a schema')
        return Header(schema)
    if not isinstance(name, str):
        raise ValueError('no "record" that names its type')
    return record_of(name, fields)

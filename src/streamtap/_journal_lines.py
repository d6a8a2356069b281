"""The lines of a journal: a header at each opening, then one record each."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from streamtap._record_json import encode, record_fields, record_name, record_of
from streamtap._version import __version__

if TYPE_CHECKING:
    from streamtap._record_json import Record

SCHEMA = 1
"""The version of the format; what this reads, and what it writes."""


@dataclass(frozen=True, slots=True)
class Header:
    """The line that a process begins with: `schema` holds for the lines after it."""

    schema: int


def header_line() -> bytes:
    """The line that says how the lines after it are to be read."""
    return encode({'record': 'journal', 'schema': SCHEMA, 'streamtap': __version__, 'pid': os.getpid()})


def record_line(record: Record) -> bytes:
    """The line of a record."""
    return encode({'record': record_name(record), **record_fields(record)})


def read_line(line: bytes) -> Record | Header:
    """What a line holds.

    Raises:
        ValueError: If it holds neither a record nor a header; it says why, on one line, without showing any of it.
    """
    try:
        value: object = json.loads(line)
    except json.JSONDecodeError as error:
        is_torn = error.pos >= len(line.rstrip()) - 1 or error.msg.startswith('Unterminated')
        raise ValueError(f'no JSON: {error.msg} at column {error.colno}{" (torn?)" if is_torn else ""}') from None
    except UnicodeDecodeError:
        raise ValueError('no UTF-8') from None
    except (RecursionError, ValueError):
        raise ValueError('no JSON that a journal holds') from None
    if not isinstance(value, dict):
        raise ValueError('no JSON object')
    fields = cast('dict[str, object]', value)
    name = fields.get('record')
    if name == 'journal':
        schema = fields.get('schema')
        if not isinstance(schema, int):
            raise ValueError('a header without its schema')
        return Header(schema)
    if not isinstance(name, str):
        raise ValueError('no "record" that says what it is')
    return record_of(name, fields)

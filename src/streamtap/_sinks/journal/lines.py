"""The lines of a journal: a header each time it is opened, then one record per line."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from streamtap._records.as_json import encode, record_fields, record_name, record_of
from streamtap._version import __version__

if TYPE_CHECKING:
    from streamtap._records.as_json import Record

SCHEMA = 1
"""The version of the format that is read and written."""


@dataclass(frozen=True, slots=True)
class Header:
    """The line before the first record of a process: `schema` applies to the lines after it."""

    schema: int


def header_line() -> bytes:
    """The line that says how to read the lines after it."""
    return encode({'record': 'journal', 'schema': SCHEMA, 'streamtap': __version__, 'pid': os.getpid()})


def record_line(record: Record) -> bytes:
    """The line of a record."""
    return encode({'record': record_name(record), **record_fields(record)})


def read_line(line: bytes) -> Record | Header:
    """The record or header on a line.

    Raises:
        ValueError: If the line is neither; the message says why, on one line, without quoting any of it.
    """
    try:
        value: object = json.loads(line, parse_constant=_reject)
    except json.JSONDecodeError as error:
        is_truncated = error.pos >= len(line.rstrip()) - 1 or error.msg.startswith('Unterminated')
        raise ValueError(
            f'not JSON: {error.msg} at column {error.colno}{" (truncated?)" if is_truncated else ""}'
        ) from None
    except UnicodeDecodeError:
        raise ValueError('not UTF-8') from None
    except (RecursionError, ValueError):
        raise ValueError('not JSON that a journal contains') from None
    if not isinstance(value, dict):
        raise ValueError('not a JSON object')
    fields = cast('dict[str, object]', value)
    name = fields.get('record')
    if name == 'journal':
        schema = fields.get('schema')
        if not isinstance(schema, int):
            raise ValueError('a header without a schema')
        return Header(schema)
    if not isinstance(name, str):
        raise ValueError('no "record" that names its type')
    return record_of(name, _completed(fields) if name == 'response' else fields)


def _completed(fields: dict[str, object]) -> dict[str, object]:
    """The fields of a response, with what they say of its usage where they were written before they had fields for that."""
    if 'usage_complete' in fields:
        return fields
    has_usage, ended = bool(fields.get('usage_reported')), fields.get('outcome') == 'success'
    if ended:
        unmeasured = None if has_usage else 'not_reported'
    else:
        unmeasured = 'interrupted' if has_usage or fields.get('chunks') else None
    return {**fields, 'usage_complete': has_usage and ended, 'unmeasured': unmeasured}


def _reject(constant: str) -> None:
    """Reject `NaN` and `Infinity`, which are no JSON and no figures."""
    raise ValueError(constant)

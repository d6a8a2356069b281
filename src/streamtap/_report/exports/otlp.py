"""Reads what OpenTelemetry's collector writes of `OTelLogSink`: lines of OTLP as JSON, each with a batch of log events."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic_core import from_json

from streamtap._records.flat import record_of_flat
from streamtap._sinks.journal.reader import BrokenLine, lines_of
from streamtap._sinks.otel.events import CURRENT_SCHEMA, KIND, PREFIX, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from streamtap._records.as_json import Record

MAX_LINE = 64 * 1024 * 1024
"""How many bytes a line may have: a batch of some ten thousand events has fewer."""

_DIGITS = 20
"""How many digits a whole number of 64 bits has at most, its sign included."""


def read_otlp(name: str, file: BinaryIO, on_broken: Callable[[BrokenLine], None]) -> Iterator[Record]:
    """Yield the records among the log events of a file; events of others, spans and metrics are left out.

    Args:
        name: The file's name, for reports of what is broken.
        file: The file.
        on_broken: Called with each line that cannot be read, and for each event of a line that is no record.
    """
    for number, line in enumerate(lines_of(file, MAX_LINE), 1):
        try:
            if line is None:
                raise ValueError(f'more than {MAX_LINE:,} bytes')
            events = list(_events(line)) if line.strip() else []
        except ValueError as error:
            on_broken(BrokenLine(name, number, str(error)))
            continue
        for place, event in enumerate(events, 1):
            try:
                record = _record(event)
            except ValueError as error:
                on_broken(BrokenLine(name, number, f'event {place}: {error}'))
                continue
            if record is not None:
                yield record


def _events(line: bytes) -> Iterator[Mapping[str, object]]:
    try:
        found: object = from_json(line, allow_inf_nan=False)
    except ValueError:
        raise ValueError('not JSON') from None
    for resource in _objects(_object(found).get('resourceLogs')):
        for scope in _objects(resource.get('scopeLogs')):
            yield from _objects(scope.get('logRecords'))


def _record(event: Mapping[str, object]) -> Record | None:
    """The record of an event; `None` if it has none."""
    fields: dict[str, object] = {}
    for each in _objects(event.get('attributes')):
        key = each.get('key')
        if isinstance(key, str) and key.startswith(PREFIX):
            fields[key.removeprefix(PREFIX)] = _value(_object(each.get('value')))
    kind, schema = fields.pop(KIND, None), fields.pop(SCHEMA, None)
    if kind is None:
        return None
    if schema != CURRENT_SCHEMA:
        raise ValueError(f'its schema is not {CURRENT_SCHEMA}, which this streamtap reads')
    for ours, theirs in (('trace_id', 'traceId'), ('span_id', 'spanId')):
        fields[ours] = event.get(theirs) or None
    return record_of_flat(str(kind), fields)


def _value(value: Mapping[str, object]) -> object:
    """A value as OTLP has it in JSON: an object whose only key is its type."""
    for kind, held in value.items():
        if kind == 'intValue':
            # 64 bits are text in JSON.
            is_whole = isinstance(held, str) and len(held) <= _DIGITS and held.lstrip('-').isdecimal()
            return int(cast('str', held)) if is_whole else held
        if kind == 'doubleValue':
            return float(held) if isinstance(held, int) and not isinstance(held, bool) else held
        if kind == 'arrayValue':
            return [_value(each) for each in _objects(_object(held).get('values'))]
        return held
    return None


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError('not a JSON object')
    return cast('Mapping[str, object]', value)


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    if value is None:
        return
    if not isinstance(value, list):
        raise ValueError('no array where OTLP has one')
    yield from map(_object, cast('list[object]', value))

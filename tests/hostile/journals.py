"""Journals that nobody writes: every field with every kind of value, and what must hold of whatever is read."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from markdown_it import MarkdownIt

from hostile.sound import faults
from streamtap import CalledRuns, RunRecord
from streamtap._report.arguments import Report
from streamtap._report.budgets import parse_budget
from streamtap._report.choice import EVERYTHING, Choice
from streamtap._report.command import report
from streamtap._sinks.journal.lines import header_line, record_line
from streamtap._sinks.journal.reader import MAX_LINE, read_lines
from support.made_records import IDS, failed_run, full_response, read_run, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamtap import BrokenLine
    from streamtap._records.as_json import Record
    from streamtap._report.options import Format

Place: TypeAlias = tuple[str | int, ...]

MISSING = ''
"""What stands for a field that is not there."""

NO_NUMBERS = {
    'nan': 'NaN',
    'inf': 'Infinity',
    '-inf': '-Infinity',
    '1e400': '1e400',
    '1e308': '1e308',
    '-1': '-1',
    '-0.5': '-0.5',
    '10**400': '1' + '0' * 400,
    '10**5000': '1' + '0' * 5000,
    'text': '"12"',
    'bool': 'true',
    'list': '[]',
    'object': '{}',
}
"""JSON, and what some parsers take for it, that is no number of a record."""

KINDS = {
    **NO_NUMBERS,
    'null': 'null',
    'missing': MISSING,
    'tiny': '5e-324',
    'most': '1e15',
    'long': f'"{"x" * 201}"',
    'controls': '"\\u0000\\u001b[2J\\u202e\\ud800"',
    'formula': '"=HYPERLINK(1)"',
}
"""What can stand where a value belongs."""

LARGE_KINDS = {
    'deep': '[' * 10_000 + ']' * 10_000,
    'deep objects': '{"a":' * 2_000 + '1' + '}' * 2_000,
    'huge': f'"{"x" * MAX_LINE}"',
    'many': f'[{",".join(["0"] * 200_000)}]',
    'many pairs': f'[{",".join(["[1,1]"] * 30_000)}]',
    'many names': f'{{{",".join(f"{chr(34)}{number}{chr(34)}:0.5" for number in range(20_000))}}}',
    'a huge name': f'{{"{"x" * 300_000}":true}}',
}
"""The same, for a record's own fields only."""

WHOLE: tuple[Record, ...] = (
    full_response(
        **IDS,
        conversation_id='c',
        response_model='m-1',
        labels={'tenant': 'a'},
        stalls=1,
        stall_starts=(0.5,),
        wait_before_attempt=0.1,
        stop_seconds=0.1,
        chunks_after_stop=1,
    ),
    tool(**IDS, conversation_id='c', labels={'tenant': 'a'}),
    failed_run(
        **IDS,
        conversation_id='c',
        labels={'tenant': 'a'},
        input_tokens=3,
        output_tokens=4,
        unmeasured_responses=1,
        first_output_seen_by='reader',
        reader=read_run().reader,
        called=CalledRuns(runs=1, requests=1, tool_calls=1, input_tokens=1, output_tokens=1, cost_usd=0.1),
    ),
)
"""A record of each type in which no field that could have a value is without one, but for that of an error or a parent."""


@dataclasses.dataclass(frozen=True, slots=True)
class Changed:
    """A line in which one value was changed: of which record, where, to which kind, and whether a number was there."""

    record: str
    place: Place
    kind: str
    was_number: bool
    line: bytes

    def __str__(self) -> str:
        return f'{self.record} {".".join(map(str, self.place))}: {self.kind}'


def changed_lines(*records: Record) -> Iterator[Changed]:
    """Every field of some records, at any depth, with every kind of value; of all whole ones by default."""
    for record in records or WHOLE:
        fields: dict[str, Any] = json.loads(record_line(record))
        name: str = fields['record']
        for place, value in _places(fields):
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            for kind, written in (*KINDS.items(), *(LARGE_KINDS.items() if len(place) == 1 else ())):
                line = json.dumps(_with(fields, place, written)).replace('"@@@"', written)
                yield Changed(name, place, kind, is_number, line.encode() + b'\n')


def _places(value: Any, place: Place = ()) -> Iterator[tuple[Place, object]]:
    items: list[tuple[str | int, Any]] = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    )
    for key, inner in items:
        yield (*place, key), inner
        yield from _places(inner, (*place, key))


def _with(value: Any, place: Place, written: str) -> Any:
    if not place:
        return '@@@'
    first, *rest = place
    copy = value.copy()
    if written == MISSING and not rest:
        del copy[first]
    else:
        copy[first] = _with(value[first], tuple(rest), written)
    return copy


LONGEST_COMPLAINT = 200

WORST_RATIO = 20
"""How many times as large as a journal a report of it may be, besides what every report has."""

OF_EVERY_REPORT = 60_000
"""Bytes: style sheet, headings, axes."""


def read(data: bytes) -> tuple[list[Record], list[BrokenLine]]:
    """The records of a journal, and its broken lines.

    Raises:
        AssertionError: If a record is none that a tap could have written, or a complaint is long or quotes anything.
    """
    broken: list[BrokenLine] = []
    records = list(read_lines('j', io.BytesIO(data), broken.append))
    found = [fault for record in records for fault in faults(record)]
    assert not found, found
    for each in broken:
        assert len(str(each)) <= LONGEST_COMPLAINT, str(each)[:300]
    return records, broken


def check(data: bytes) -> None:
    """Read a journal, and report it in every format, alone and compared with itself.

    Raises:
        AssertionError: If something does not hold that must.
    """
    records, _ = read(data)
    if records:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'j'
            path.write_bytes(data)
            for form in CHECKS:
                CHECKS[form](reported(path, form, len(data)))
                CHECKS[form](reported(path, form, len(data), before=path))
            if agent := next((record.agent for record in records if isinstance(record, RunRecord)), None):
                CHECKS['html'](reported(path, 'html', len(data), choice=Choice(agents=(agent,), since_ns=0)))


def reported(path: Path, form: Format, size: int, *, before: Path | None = None, choice: Choice = EVERYTHING) -> str:
    """What `streamtap report` prints of a journal of such a size, or of its change; in some formats of a gate."""
    out, told = io.StringIO(), io.StringIO()
    is_gate = form in OF_GATES
    asked = Report(
        files=(str(path),) if before is None else (),
        compare=None if before is None else (str(before), str(path)),
        budgets=BUDGETS if is_gate and before is None else (),
        by=('all', 'agent', 'tool') if is_gate else None,
        choice=choice,
        is_gate=is_gate,
        form=form,
    )
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
        status = report(asked)
    assert status in ((0, 1, 3) if is_gate else (0, 1)), told.getvalue()[:1000]
    text = out.getvalue()
    assert len(text) <= OF_EVERY_REPORT + WORST_RATIO * size, f'{len(text)} characters of {size} bytes as {form}'
    assert len(told.getvalue()) <= 50 * LONGEST_COMPLAINT + 1000
    return text


ISOLATES = '\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}'


def _check_table(text: str) -> None:
    for line in text.split('\n'):
        # What keeps a name that is written from right to left from reordering what is around it is closed on its line.
        begun, ended = (line.count(each) for each in ISOLATES)
        assert begun == ended
        assert all(each.isprintable() or each in ISOLATES for each in line)


def _check_json(text: str) -> None:
    json.loads(text, parse_constant=_refuse)


def _check_csv(text: str) -> None:
    header, *rows = csv.reader(io.StringIO(text))
    assert {len(row) for row in rows} <= {len(header)}


def _check_html(text: str) -> None:
    assert not _NO_PLACE.search(text), _NO_PLACE.search(text)


def _refuse(constant: str) -> None:
    raise AssertionError(f'{constant} in JSON')


_NO_PLACE = re.compile(r' (?:x|y|[xy][12]|c[xy]|r|width|height|points|viewBox|d)="[^"]*(?:nan|inf)')


def _check_markdown(text: str) -> None:
    _check_table(text)
    tokens = MarkdownIt('commonmark').enable('table').parse(text)
    inline = [token for each in tokens for token in (each, *(each.children or ()))]
    assert not {token.type for token in inline} & {
        'link_open',
        'image',
        'html_inline',
        'em_open',
        'fence',
        'code_block',
    }
    markup = [token.content.strip() for token in inline if token.type == 'html_block']
    assert [each for each in markup if not _FOLD.fullmatch(each)] == []
    told = ' '.join(token.content for token in inline if token.type == 'text')
    assert 'HYPERLINK' not in told
    assert '@' not in told
    assert '#' not in told


def _check_github(text: str) -> None:
    _check_table(text)
    assert '##[' not in text
    commands = [line for line in text.split('\n') if line.lstrip().startswith('::')]
    assert [line for line in commands if not _ANNOTATION.fullmatch(line)] == []


_FOLD = re.compile(r'</?details>(<summary>[a-z ]+: [0-9,]+ rows</summary>)?')

_ANNOTATION = re.compile(r'::(error|warning|notice) title=streamtap::(?:[^%]|%25|%0A)*')

CHECKS: dict[Format, Callable[[str], None]] = {
    'table': _check_table,
    'json': _check_json,
    'csv': _check_csv,
    'html': _check_html,
    'markdown': _check_markdown,
    'github': _check_github,
}

OF_GATES: tuple[Format, ...] = ('markdown', 'github')
"""The formats in which a gate is tried."""

BUDGETS = tuple(
    map(
        parse_budget,
        (
            'run_duration.p50 <= 1s',
            'tool_duration.p95 <= 1ms',
            'tokens_per_second.p5 >= 9 tokens/s',
            'failed_tools <= 1%',
        ),
    )
)

SEEDS: dict[str, bytes] = {
    'whole': header_line() + b''.join(map(record_line, WHOLE)),
    'empty': b'',
    'no newline': record_line(WHOLE[1]).rstrip(),
    'a schema': header_line().replace(b'"schema":1', b'"schema":2') + record_line(WHOLE[1]) + header_line(),
    'longest': b'[' * MAX_LINE + b'\n',
}
"""Where a fuzzer begins."""

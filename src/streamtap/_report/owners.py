"""Whose values a record has: everybody's, and those of an agent, a model, a tool, a version or a value of a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamtap._records.as_json import Record
    from streamtap._report.quantities import Kind, Quantity

Scope: TypeAlias = str
"""Which values: `all` of them, or those of one `agent`, `model`, `tool` or `service_version`, or of one value of the label of
that name."""

ALL: tuple[Scope, str] = ('all', 'all')

VERSION: Scope = 'service_version'

NAMED: tuple[Scope, ...] = ('all', 'agent', 'model', 'tool', VERSION)
"""The scopes that are no label, in the order of a report."""

Owners: TypeAlias = 'Callable[[Record], Iterator[tuple[Scope, str]]]'

_ONLY_OF: dict[Scope, Kind] = {'model': 'request', 'tool': 'tool call'}


def owners_of(record: Record) -> Iterator[tuple[Scope, str]]:
    """Everybody; and the agent of a run, the model of a request or the tool of a call."""
    yield from _everybody(record)
    if isinstance(record, RunRecord):
        yield from _agent(record)
    yield from _model(record)
    yield from _tool(record)


def owners_by(scopes: Sequence[Scope]) -> Owners:
    """What tells the owners of a record in those scopes only, each once."""
    found = [_SCOPES.get(scope) or _label(scope) for scope in dict.fromkeys(scopes)]

    def owners(record: Record) -> Iterator[tuple[Scope, str]]:
        for each in found:
            yield from each(record)

    return owners


def is_told_by(quantity: Quantity, scope: Scope) -> bool:
    """Whether a scope has values of a quantity: runs have no model, and only calls have a tool."""
    return _ONLY_OF.get(scope, quantity.kind) == quantity.kind


def counts_nested(scope: Scope) -> bool:
    """Whether the values of a nested run count in a scope: only for its own agent, as what users asked for is the outermost run."""
    return scope == 'agent'


def _everybody(_: Record) -> Iterator[tuple[Scope, str]]:
    yield ALL


def _agent(record: Record) -> Iterator[tuple[Scope, str]]:
    yield 'agent', record.agent


def _model(record: Record) -> Iterator[tuple[Scope, str]]:
    if isinstance(record, ResponseRecord):
        yield 'model', f'{record.provider}:{record.model}'


def _tool(record: Record) -> Iterator[tuple[Scope, str]]:
    if isinstance(record, ToolRecord):
        yield 'tool', f'{record.agent}/{record.tool}'


def _version(_: Record) -> Iterator[tuple[Scope, str]]:
    # Only the run says which, at its end: `Samples.complete` puts it in.
    yield VERSION, ''


def _label(label: str) -> Owners:
    def owners(record: Record) -> Iterator[tuple[Scope, str]]:
        if label in record.labels:
            yield label, record.labels[label]

    return owners


_SCOPES: dict[Scope, Owners] = {'all': _everybody, 'agent': _agent, 'model': _model, 'tool': _tool, VERSION: _version}

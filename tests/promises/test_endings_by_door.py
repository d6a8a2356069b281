"""Every way in which a run ends, at every door: what is recorded is what the capability records, and what was billed."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from endings import ROWS, WAYS, Difference, Row, section
from pydantic_ai.usage import RunUsage

from streamtap import Tap
from streamtap.testing import MemorySink
from support.endings import ENDINGS, Reader
from support.paths import ROOT
from support.pydantic_ai_features import needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endings import Way

    from streamtap import ResponseRecord, RunRecord

pytestmark = [
    needs('response_model_ids', 'ordered_results'),
    pytest.mark.filterwarnings('ignore::UserWarning'),
]


@dataclass(frozen=True)
class Recorded:
    """What a door recorded of a run: everything but times."""

    run: tuple[Any, ...]
    requests: list[tuple[Any, ...]]
    models: list[str]
    tools: list[tuple[Any, ...]]
    faults: list[Any]
    still_open: int


@pytest.fixture(autouse=True, scope='module')
def little_garbage() -> Iterator[None]:
    """Each run looks for runs that only a garbage collection reveals: what is there already is not searched again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def price(record: ResponseRecord, _: object) -> float:
    """A price by which every token shows."""
    return 0.001 * (record.input_tokens or 0) + 0.002 * (record.output_tokens or 0)


def run_of(record: RunRecord) -> tuple[Any, ...]:
    counts = (record.requests, record.tool_calls, record.output_retries)
    cost = None if record.cost_usd is None else round(record.cost_usd, 6)
    return (record.outcome, record.error_type, *counts, record.input_tokens, record.output_tokens, cost)


def request_of(record: ResponseRecord) -> tuple[Any, ...]:
    cost = None if record.cost_usd is None else round(record.cost_usd, 6)
    tokens = (record.input_tokens, record.output_tokens, cost)
    parts = tuple(part.kind for part in record.parts)
    ending = (record.outcome, record.error_type, record.finish_reason)
    return (record.step, record.attempt, *ending, *tokens, parts, record.chunks)


def recorded(name: str, way: Way, door: str) -> tuple[Recorded, RunUsage]:
    """What a door records of a run, and what Pydantic AI says was used."""
    ending, memory, usage = ENDINGS[name], MemorySink(), RunUsage()
    with Tap([memory], price=price) as tap:
        capabilities = [tap.capability(stream=way == 'run')] if door == 'capability' else []
        made, arguments = ending.make(capabilities), {'usage': usage, 'usage_limits': ending.limits}
        if door == 'watch':
            reader = Reader(ending, made, watch=tap.watch, arguments=arguments)
        else:
            reader = Reader(ending, made, handler=tap if door == 'handler' else None, arguments=arguments)
        asyncio.run(reader.to_its_end(way))
        del reader, made
        tap.flush()
        still_open = len(tap.live().runs)
    (run,) = memory.runs
    tools = [
        (each.tool, each.kind, each.step, each.outcome, each.retry_cause, each.error_type) for each in memory.tools
    ]
    return (
        Recorded(
            run_of(run),
            [request_of(each) for each in memory.responses],
            # Other iterables do not tell them.
            [] if way == 'other' else [f'{each.provider}:{each.model}' for each in memory.responses],
            sorted(tools, key=str),
            memory.faults,
            still_open,
        ),
        usage,
    )


def check_difference(found: Recorded, reference: Recorded, row: Row, difference: Difference) -> None:
    """A door that knows less says what the table says, and all the rest as the capability does."""
    assert found.run[0] == (difference.run or row.run)
    requests = row.requests if difference.requests is None else difference.requests
    assert ' '.join(request[2] for request in found.requests) == requests
    assert found.run[2] == len(requests.split())
    steps = slice(0, None if difference.steps else 2)
    assert [tool[steps] for tool in found.tools] == [tool[steps] for tool in reference.tools]
    assert sorted(tool[3:] for tool in found.tools) == sorted(tool[3:] for tool in reference.tools)
    if difference.tokens:
        assert found.requests == reference.requests
        assert found.run[2:] == reference.run[2:]
    else:
        assert found.run[5:7] < reference.run[5:7] or reference.run[5:7] == (0, 0)
    assert (found.faults, found.still_open) == ([], 0)


@pytest.mark.parametrize('row', [pytest.param(row, id=row.name) for row in ROWS])
def test_the_doors_agree(row: Row):
    """Counts, outcomes, steps, tokens, costs and finish reasons; where a door knows less, the table says so."""
    reference, usage = recorded(row.name, 'events' if row.untried else 'run', 'capability')
    assert reference.run[0] == row.run
    assert ' '.join(request[2] for request in reference.requests) == row.requests
    assert reference.run[5:7] == (usage.input_tokens, usage.output_tokens)
    assert (reference.faults, reference.still_open) == ([], 0)
    for way in WAYS:
        if way in row.untried:
            continue
        found, used = recorded(row.name, way, 'handler' if way == 'run' else 'watch')
        assert (used.input_tokens, used.output_tokens) == (usage.input_tokens, usage.output_tokens), way
        if way in row.but:
            check_difference(found, reference, row, row.but[way])
        else:
            assert found == replace(reference, models=[] if way == 'other' else reference.models), way


def test_every_ending_is_in_the_table():
    """Once."""
    assert [row.name for row in ROWS] == list(ENDINGS)


def test_the_page_shows_the_table():
    """As it was checked here."""
    assert section() in (ROOT / 'docs' / 'endings.md').read_text(encoding='utf-8')

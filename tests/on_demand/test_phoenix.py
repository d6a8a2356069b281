"""What Arize Phoenix, which knows nothing of streamtap, understands of the spans: `make phoenix`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.instrumented import InstrumentationSettings

from streamtap import OTelSpanSink, Tap
from support.delegating_agents import REFUSAL, write_a_note
from support.doors import HANDLER_AND_CAPABILITY
from support.phoenix_server import Phoenix, phoenix
from support.real_servers import exporting_provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = dict[str, Any]

# Phoenix takes its time to start.
pytestmark = pytest.mark.timeout(300)

CASES = [(door, instrumented) for door in HANDLER_AND_CAPABILITY for instrumented in ('own', 'native')]

KINDS = {
    'invoke_agent editor': 'AGENT',
    'invoke_agent researcher': 'AGENT',
    'chat gpt-5.2': 'LLM',
    'chat gpt-4.1-mini': 'LLM',
    'execute_tool ask_researcher': 'TOOL',
    'execute_tool search': 'TOOL',
    'thinking': 'UNKNOWN',
    'text': 'UNKNOWN',
    'tool_call': 'UNKNOWN',
}


@pytest.fixture(scope='module')
def running_phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phoenix]:
    """Phoenix, listening on loopback."""
    environment = Path(os.environ.get('STREAMTAP_PHOENIX', '.phoenix'))
    if not environment.exists():
        pytest.fail('Phoenix is not installed: `make phoenix` installs it')
    with phoenix(environment.absolute(), tmp_path_factory.mktemp('phoenix')) as server:
        yield server


@pytest.fixture(scope='module', params=CASES, ids='-'.join)
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Which door, and whose spans."""
    return request.param


@pytest.fixture(scope='module')
def spans(case: tuple[str, str], running_phoenix: Phoenix) -> list[Span]:
    """What Phoenix shows of one note of the editor's, and of one whose first request was refused."""
    door, instrumented = case
    project = '-'.join(case)
    provider, here = exporting_provider(f'{running_phoenix.url}/v1/traces', {'openinference.project.name': project})
    native = InstrumentationSettings(tracer_provider=provider) if instrumented == 'native' else None
    with Tap([OTelSpanSink(provider)]) as tap:
        write_a_note(tap, door, instrument=native)
        with pytest.raises(ModelHTTPError):
            write_a_note(tap, door, REFUSAL, instrument=native)
    provider.shutdown()
    return running_phoenix.spans(project, len(here.get_finished_spans()))


def test_it_knows_agents_models_and_tools(spans: list[Span]):
    """Each by its kind, and a part is none of them: a tool that is asked for and executed counts once."""
    assert {(span['name'], span['span_kind']) for span in spans} == set(KINDS.items())


def test_it_knows_models_and_tokens(spans: list[Span]):
    """Of each request that was answered, and of nothing else."""
    names = 'llm.model_name', 'llm.token_count.prompt', 'llm.token_count.completion'
    counted = [span['attributes'] for span in spans if 'llm.token_count.prompt' in span['attributes']]
    assert [tuple(attributes[name] for name in names) for attributes in counted] == [
        ('gpt-5.2', 120, 12),
        ('gpt-4.1-mini', 60, 3),
        ('gpt-4.1-mini', 90, 8),
        ('gpt-5.2', 180, 9),
    ]


def test_it_sums_the_tokens_of_a_trace(case: tuple[str, str], spans: list[Span], running_phoenix: Phoenix):
    """Those of the nested run with them, and nothing twice."""
    traces = running_phoenix.get(f'projects/{"-".join(case)}/traces')
    assert [(trace['token_count_prompt'], trace['token_count_completion']) for trace in traces] == [(0, 0), (450, 32)]


def test_it_shows_what_failed(case: tuple[str, str], spans: list[Span]):
    """The refused request, and the run that it ended."""
    failed = [span['name'] for span in spans if span['status_code'] == 'ERROR']
    # A request that is refused before it streams is over before the handler hears of it.
    unseen = case == ('handler', 'native')
    assert failed == (['invoke_agent editor'] if unseen else ['invoke_agent editor', 'chat gpt-5.2'])


def test_it_shows_the_parts_below_their_request(spans: list[Span]):
    """In their order."""
    names = {span['context']['span_id']: span['name'] for span in spans}
    parts = [(names[span['parent_id']], span['name']) for span in spans if span['span_kind'] == 'UNKNOWN']
    assert parts == [
        ('chat gpt-5.2', 'thinking'),
        ('chat gpt-5.2', 'text'),
        ('chat gpt-5.2', 'tool_call'),
        ('chat gpt-4.1-mini', 'tool_call'),
        ('chat gpt-4.1-mini', 'text'),
        ('chat gpt-5.2', 'text'),
    ]

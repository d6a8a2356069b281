"""`Streamtap` in an agent's spec: by its name, in YAML, JSON and dicts, with the tap of the process or a given one."""

from __future__ import annotations

import asyncio
import functools
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.agent.spec import AgentSpec
from pydantic_ai.capabilities import SelectModel
from pydantic_ai.models.test import TestModel

from streamtap import Streamtap, Tap, install
from streamtap.testing import Capture, MemorySink, capture
from support.installed import as_before, installed, own_tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CUSTOM: Any = {'custom_capability_types': [Streamtap]}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Capture]:
    """What the tap records that is made for those who were given none."""
    with capture() as found:
        own_tap(monkeypatch, found.tap)
        yield found
        assert found.faults() == []


def ran(seen: Capture) -> list[tuple[str, bool]]:
    """The agent of each request, and whether it streamed."""
    return [(response.agent, response.streamed) for response in seen.responses()]


def written(folder: Path, kind: str, capability: Any) -> Path:
    """A file with the spec of an agent."""
    file = folder / f'agent.{kind}'
    spec = {'model': 'test', 'name': 'writer', 'capabilities': [capability]}
    # What is JSON is YAML, too.
    file.write_text(json.dumps(spec), encoding='utf-8')
    return file


@pytest.mark.parametrize('kind', ['yaml', 'json'])
@pytest.mark.parametrize(
    ('capability', 'streams'),
    [
        ('Streamtap', False),
        ({'Streamtap': {'stream': True}}, True),
        ({'Streamtap': {'stream': False, 'id': 't'}}, False),
    ],
)
def test_an_agent_of_a_file_is_measured(kind: str, capability: Any, streams: bool, seen: Capture, tmp_path: Path):  # noqa: FBT001
    """By its name alone, or with what there is to say; the file's schema knows both."""
    made = Agent.from_file(written(tmp_path, kind, capability), **CUSTOM)
    for _ in range(2):
        asyncio.run(made.run('hello'))
    assert ran(seen) == [('writer', streams)] * 2


def test_yaml_is_as_people_write_it(seen: Capture, tmp_path: Path):
    """With what the capability is to do below it."""
    file = tmp_path / 'agent.yaml'
    file.write_text('model: test\nname: writer\ncapabilities:\n  - Streamtap: {stream: true}\n', encoding='utf-8')
    asyncio.run(Agent.from_file(file, **CUSTOM).run('hello'))
    assert ran(seen) == [('writer', True)]


def test_the_schema_of_specs_knows_it():
    """Editors complete it, and say what is wrong."""
    jsonschema = pytest.importorskip('jsonschema')
    schema = AgentSpec.model_json_schema_with_capabilities([Streamtap])
    rights: list[Any] = ['Streamtap', *({'Streamtap': said} for said in ({}, {'stream': True}, {'id': 'tap'}))]
    for right in rights:
        jsonschema.validate({'capabilities': [right]}, schema)
    wrongs: list[Any] = [{'stream': 'loud'}, {'sinks': 1}, True]
    for wrong in wrongs:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({'capabilities': [{'Streamtap': wrong}]}, schema)


@pytest.mark.parametrize(
    ('wrong', 'why'),
    [
        ({'stream': 'loud'}, "stream must be true or false, not 'loud'"),
        ({'sinks': []}, 'unexpected keyword argument'),
        ({'id': 3}, 'id must be text'),
    ],
)
def test_a_wrong_spec_is_refused(wrong: dict[str, Any], why: str):
    """By what is wrong in it."""
    with pytest.raises(ValueError, match=f"Failed to instantiate capability 'Streamtap': .*{why}"):
        Agent.from_spec({'model': 'test', 'capabilities': [{'Streamtap': wrong}]}, **CUSTOM)
    with pytest.raises(TypeError, match='Streamtap takes a tap, not'):
        Streamtap('tap')  # pyright: ignore[reportArgumentType]


def test_its_tap_is_the_one_that_is_installed_at_its_first_run(seen: Capture):
    """So that an agent may be made when its file is imported, and the tap later."""
    made = Agent.from_spec({'model': 'test', 'name': 'early', 'capabilities': ['Streamtap']}, **CUSTOM)
    with capture() as later, installed(later.tap):
        asyncio.run(made.run('hello'))
        assert ran(later) == [('early', False)]
    # It keeps its tap.
    asyncio.run(made.run('hello'))
    assert ran(later) == [('early', False)] * 2
    assert seen.runs() == []


def test_a_tap_that_it_is_given_is_its_own(seen: Capture):
    """Whatever is installed; there the run is counted, too."""
    with capture() as given, installed(seen.tap):
        made = Agent(TestModel(), name='given', capabilities=[Streamtap(given.tap, stream=True)])
        asyncio.run(made.run('hello'))
    assert ran(given) == ran(seen) == [('given', True)]


def test_agents_that_were_given_none_share_one(monkeypatch: pytest.MonkeyPatch):
    """Which `install()` returns, and installs."""
    own_tap(monkeypatch, None)
    memory = MemorySink()
    monkeypatch.setattr(Tap, '__init__', functools.partialmethod(Tap.__init__, [memory]))
    for name in ('one', 'two'):
        made = Agent.from_spec({'model': 'test', 'name': name, 'capabilities': ['Streamtap']}, **CUSTOM)
        asyncio.run(made.run('hello'))
    with as_before():
        tap = install()
        asyncio.run(made.run('hello'))
    tap.close()
    assert [run.agent for run in memory.runs] == ['one', 'two', 'two']


def test_switched_off_it_does_nothing(monkeypatch: pytest.MonkeyPatch):
    """Nor does it make anything stream."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    own_tap(monkeypatch, None)
    made = Agent(TestModel(), capabilities=[tap := Streamtap(stream=True)])
    assert asyncio.run(made.run('hello')).output
    assert not tap.has_wrap_run_event_stream


def test_with_an_installed_tap_specs_of_runs_may_name_it(seen: Capture):
    """Pydantic AI takes no classes there, so it has to know the name."""
    made = Agent(TestModel(), name='plain')
    spec = {'capabilities': [{'Streamtap': {'stream': True}}]}
    with pytest.raises(ValueError, match="'Streamtap' is not in the provided"):
        asyncio.run(made.run('hello', spec=spec))
    with installed():
        asyncio.run(made.run('hello', spec=spec))
        with made.override(spec=spec):
            asyncio.run(made.run('hello'))
        asyncio.run(made.run('hello'))
    assert ran(seen) == [('plain', True), ('plain', True), ('plain', False)]


@pytest.mark.parametrize('kind', ['yaml', 'json'])
def test_with_an_installed_tap_files_need_no_classes(kind: str, seen: Capture, tmp_path: Path):
    """`clai --agent agent.yaml` gives none."""
    with installed():
        asyncio.run(Agent.from_file(written(tmp_path, kind, 'Streamtap')).run('hello'))
        asyncio.run(Agent.from_file(written(tmp_path, kind, 'Streamtap'), **CUSTOM).run('hello'))
    assert ran(seen) == [('writer', False)] * 2


def test_it_has_no_model_selected_more_often(seen: Capture):
    """It is one object for all runs of its agent, also at the first."""
    selected: list[object] = []

    async def select(ctx: object) -> Any:
        selected.append(ctx)
        return TestModel()

    asyncio.run(Agent(capabilities=[SelectModel(select)], defer_model_check=True).run('hello'))
    once = len(selected)
    asyncio.run(Agent(capabilities=[SelectModel(select), Streamtap()], defer_model_check=True).run('hello'))
    assert (len(selected) - once, len(seen.runs())) == (once, 1)

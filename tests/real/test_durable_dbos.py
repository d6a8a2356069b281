"""Under DBOS, on a database of the test's own: recovery gives back what was recorded, and the tap tells it once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from streamtap.testing import Capture, capture
from support.durable_agents import (
    CALLS,
    IN_UNIT,
    PLACES,
    SAYS,
    WITHOUT_RUN,
    Place,
    durable_agent,
    expected,
    what_was_counted,
)
from support.installed import installed
from support.paths import TESTS
from support.required import REQUIRE_REAL
from support.scripted import agent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

if not REQUIRE_REAL:
    pytest.importorskip('dbos', reason='DBOS is not installed: `pip install "pydantic-ai-slim[dbos]"` gives it')

from dbos import DBOS, SetWorkflowID
from pydantic_ai.durable_exec import dbos
from pydantic_ai.durable_exec.dbos import DBOSDurability

from support.dbos_process import configure


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """DBOS, not yet launched, on a new SQLite file, whose path this is."""
    path = str(tmp_path / 'dbos.sqlite')
    configure(path)
    yield path
    DBOS.destroy(destroy_registry=True)


def run_in_workflow(place: Place, seen: Capture, then: Callable[[list[Any]], Awaitable[None]]) -> None:
    """Run the agent in a workflow, then something else that is given the workflow's recorded steps."""
    agent, options = durable_agent(DBOSDurability, place, seen.tap, CALLS, SAYS, SAYS)

    @DBOS.workflow(name='sleep')
    async def sleep() -> str:  # pyright: ignore[reportUnusedFunction]
        return (await agent.run('Sleep', **options)).output

    async def main() -> None:
        with SetWorkflowID('night'):
            await sleep()
        await then(await DBOS.list_workflow_steps_async('night'))

    DBOS.launch()
    asyncio.run(main())


@pytest.mark.parametrize('place', PLACES)
@pytest.mark.usefixtures('database')
def test_a_workflow_and_its_replay_are_counted_as_one_run(place: Place):
    """Though the workflow's own code, its tools included, runs again; of what is told inside steps alone, no run."""
    with capture() as seen:

        async def replay(steps: list[Any]) -> None:
            assert what_was_counted(seen) == expected(place)
            await (await DBOS.fork_workflow_async('night', len(steps) + 1)).get_result()

        run_in_workflow(place, seen, replay)
        assert what_was_counted(seen) == expected(place)
        assert seen.faults() == []
        # A workflow is given each response when it is complete: only inside a step its events have a pace.
        knows_pace = place in IN_UNIT
        assert [response.chunks for response in seen.responses()] == ([2, 3] if knows_pace else [0, 0])
        assert [response.streamed for response in seen.responses()] == [knows_pace, knows_pace]
        # There the stream is open already; only a run that waits for it outside knows since when.
        knows_start = place == 'unit and capability'
        assert [response.time_to_first_token is not None for response in seen.responses()] == [knows_start, knows_start]
        assert [response.duration is not None for response in seen.responses()] == [place not in WITHOUT_RUN] * 2


@pytest.mark.usefixtures('database')
def test_a_tap_that_is_installed_counts_a_workflow_and_its_replay_once():
    """Though DBOS refuses a run's own capabilities that might bring tools."""
    with capture() as seen, installed(seen.tap):

        async def replay(steps: list[Any]) -> None:
            assert what_was_counted(seen) == expected('installed')
            await (await DBOS.fork_workflow_async('night', len(steps) + 1)).get_result()

        run_in_workflow('installed', seen, replay)
        assert what_was_counted(seen) == expected('installed')
        assert seen.faults() == []


@pytest.mark.usefixtures('database')
@pytest.mark.filterwarnings('ignore:.*DBOSAgent:DeprecationWarning')
@pytest.mark.filterwarnings('ignore:.*DBOSAgent:pydantic_ai._warnings.PydanticAIDeprecationWarning')
def test_a_tap_that_is_installed_counts_an_agent_of_the_engine_once():
    """It is one agent around another."""
    engines_own: Any = dbos.DBOSAgent  # pyright: ignore[reportDeprecated]
    made = engines_own(agent(CALLS, SAYS, name='sleeper'))
    DBOS.launch()
    with capture() as seen, installed(seen.tap):
        asyncio.run(made.run('Sleep'))
        assert what_was_counted(seen) == expected('installed')
        assert seen.faults() == []


@pytest.mark.parametrize('place', ['run', 'capability', 'unit'])
@pytest.mark.usefixtures('database')
def test_a_run_that_goes_on_from_its_records_reports_what_is_new(place: Place):
    """And no time since a start that lies before."""
    with capture() as seen:

        async def go_on(steps: list[Any]) -> None:
            seen.runs().clear()
            seen.responses().clear()
            seen.tools().clear()
            last_request = steps[-1]['function_id']
            await (await DBOS.fork_workflow_async('night', last_request)).get_result()

        run_in_workflow(place, seen, go_on)
        assert what_was_counted(seen) == expected(place, recorded=1)
        assert [run.time_to_first_output for run in seen.runs()] == [None] * len(seen.runs())


@pytest.mark.timeout(120)  # two processes, one after the other, that import everything
def test_a_workflow_whose_process_died_is_counted_once(tmp_path: Path):
    """Killed in its second response, it is recovered by another process: together they tell of it once."""
    command = [sys.executable, '-m', 'support.dbos_process', 'capability', str(tmp_path / 'dbos.sqlite')]
    died = subprocess.run([*command, 'dies'], cwd=TESTS, capture_output=True, text=True, check=False, timeout=50)
    recovered = subprocess.run(
        [*command, 'recovers'], cwd=TESTS, capture_output=True, text=True, check=False, timeout=50
    )
    assert (died.returncode, recovered.returncode) == (9, 0), died.stderr + recovered.stderr
    lines = [json.loads(line) for line in (died.stdout + recovered.stdout).splitlines()]
    whole = expected('capability')
    assert [tuple(fact) for kind, fact in lines if kind == 'response'] == whole['responses']
    assert sorted(tuple(fact) for kind, fact in lines if kind == 'tool') == whole['tools']
    # Its first request was told by the process that died.
    assert [tuple(fact) for kind, fact in lines if kind == 'run'] == [('success', 1, 2)]

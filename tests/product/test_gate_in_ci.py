"""The workflow that docs/guides/ci.md shows: its steps run, green where nothing changed and red where something got worse."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Each round of the agents, and each report, is a program of its own.
pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which('bash') is None, reason='the steps of a workflow are for bash'),
]

WORKFLOW = re.compile(r'^```yaml\n(name: agents\n.*?)^```$', re.MULTILINE | re.DOTALL)

EVALS = '''\
"""Forty runs of an agent that searches, on a clock that only they advance."""

import random
import sys
from pathlib import Path

from pydantic_ai import Agent
from pydantic_ai.models.function import DeltaToolCall, FunctionModel

from streamtap import JournalSink, Tap
from streamtap.testing import FakeClock

journal = Path(sys.argv[1])
rounds = journal.read_text().count('"record":"journal"') if journal.exists() else 0
chance = random.Random(f'{journal.name} {rounds}')
clock = FakeClock()


def passes(seconds):
    clock.advance(SLOWER * seconds * chance.lognormvariate(0, 0.3))


async def answer(messages, info):
    passes(0.4)
    if len(messages) == 1:
        yield {0: DeltaToolCall('search', '{}')}
    else:
        for word in 'You get ', 'a refund.':
            yield word
            passes(0.05)


def search() -> str:
    passes(0.8)
    return 'Refunds take three days.'


with Tap([JournalSink(journal)], clock=clock) as tap:
    model = FunctionModel(stream_function=answer, model_name='gpt-4.1-mini')
    agent = Agent(model, name='support', tools=[search], capabilities=[tap.capability(stream=True)])
    for _ in range(40):
        agent.run_sync('Can I get my money back?')
'''


@dataclass(frozen=True)
class Workflow:
    """A checkout with both sides, in which the steps of the workflow are run as GitHub runs them."""

    folder: Path
    steps: dict[str, str]

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step; its status, and what it wrote into the log."""
        command = ['bash', '-e', '-c', self.steps[name]]
        path = f'{self.folder / "bin"}:/usr/bin:/bin'
        return subprocess.run(
            command, cwd=self.folder, env={'PATH': path}, capture_output=True, text=True, check=False, timeout=200
        )


def shown() -> dict[str, Any]:
    """The workflow that the page shows."""
    (found,) = WORKFLOW.findall((ROOT / 'docs' / 'guides' / 'ci.md').read_text(encoding='utf-8'))
    return yaml.safe_load(found)


def checkout(folder: Path, *, slower: float) -> Workflow:
    """Both sides, of which the one after takes so much longer, with the programs that a runner has."""
    for side, factor in ((folder / 'base', 1.0), (folder, slower)):
        side.mkdir(parents=True, exist_ok=True)
        (side / 'evals.py').write_text(EVALS.replace('SLOWER', str(factor)), encoding='utf-8')
    python = f'PYTHONPATH={shlex.quote(":".join(sys.path))} exec {shlex.quote(sys.executable)} -W error'
    programs = {
        'python': f'{python} "$@"',
        'streamtap': f'{python} -m streamtap "$@"',
        'gh': f'while [ "$1" != --body-file ]; do shift; done; cp "$2" {shlex.quote(str(folder / "posted.md"))}',
    }
    (folder / 'bin').mkdir()
    for name, does in programs.items():
        (folder / 'bin' / name).write_text(f'#!/bin/sh\n{does}\n', encoding='utf-8')
        (folder / 'bin' / name).chmod(0o755)
    steps = {step['name']: step['run'] for step in shown()['jobs']['gate']['steps'] if 'name' in step}
    return Workflow(folder, {name: re.sub(r'\$\{\{.*?\}\}', '1', run) for name, run in steps.items()})


def annotated(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.startswith('::')]


def test_the_workflow_is_one(tmp_path: Path):
    """By GitHub's own schema, and every step that is not an action has a name but for the one that installs."""
    (tmp_path / 'agents.yml').write_text(yaml.safe_dump(shown()).replace('true: pull', '"on": pull'), encoding='utf-8')
    check = [sys.executable, '-m', 'check_jsonschema', '--builtin-schema', 'vendor.github-workflows']
    done = subprocess.run([*check, tmp_path / 'agents.yml'], capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    unnamed = [step['run'] for step in shown()['jobs']['gate']['steps'] if 'run' in step and 'name' not in step]
    assert unnamed == ['pip install streamtap']


def test_it_is_green_where_nothing_changed(tmp_path: Path):
    """The budgets are kept as well, and the comment says so."""
    workflow = checkout(tmp_path / 'work', slower=1.0)
    agents = workflow.run('Run the agents of both sides in turns')
    assert (agents.returncode, agents.stderr) == (0, '')
    compared, kept, posted = map(workflow.run, ('Compare', 'Keep the budgets', 'Comment'))
    assert (compared.returncode, kept.returncode, posted.returncode) == (0, 0, 0), compared.stdout + kept.stdout
    (verdict,) = annotated(compared.stdout)
    assert re.fullmatch(r'::notice title=streamtap::gate passed: \d+ no clear change(, \d+ too few to tell)?', verdict)
    assert annotated(kept.stdout) == ['::notice title=streamtap::gate passed: 2 met, 1 too few to tell']
    comment = (workflow.folder / 'posted.md').read_text(encoding='utf-8')
    assert comment.startswith('**gate passed: ')
    assert '| `blank screen of a run, p50` | `all` | 120 | 120 | ' in comment


def test_it_is_red_where_everything_takes_twice_as_long(tmp_path: Path):
    """Costs stay as they were; an annotation names what got worse, and so does the comment, which is posted all the same."""
    workflow = checkout(tmp_path / 'work', slower=2.0)
    assert workflow.run('Run the agents of both sides in turns').returncode == 0
    compared, posted = map(workflow.run, ('Compare', 'Comment'))
    assert (compared.returncode, posted.returncode) == (3, 0)
    errors = annotated(compared.stdout)
    assert re.match(
        r'::error title=streamtap::blank screen of a run, p50 of all is worse: [\d.]+ m?s before, [\d.]+ s after',
        errors[0],
    )
    assert [error for error in errors if 'cost' in error] == []
    assert compared.stdout.rstrip('\n').splitlines()[-1].startswith('gate failed: ')
    comment = (workflow.folder / 'posted.md').read_text(encoding='utf-8')
    assert comment.startswith('**gate failed: ')
    assert '- `duration of a run, p50` of `support` is **worse**: `' in comment


def test_a_budget_that_is_missed_is_red(tmp_path: Path):
    """With the figure and its interval."""
    workflow = checkout(tmp_path / 'work', slower=6.0)
    workflow = Workflow(workflow.folder, {**workflow.steps, 'agents': 'python evals.py after.jsonl'})
    assert workflow.run('agents').returncode == 0
    kept = workflow.run('Keep the budgets')
    assert kept.returncode == 3
    assert re.match(
        r'::error title=streamtap::blank_screen\.p95 <= 3s of all is missed: [\d.]+ s \([\d.]+ s to [\d.]+ s\)|'
        r'::error title=streamtap::blank_screen\.p95 <= 3s of all is missed: [\d.]+ s \(at least [\d.]+ s\)',
        annotated(kept.stdout)[0],
    )

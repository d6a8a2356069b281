"""What the package shows of itself."""

from __future__ import annotations

import inspect
import pickle
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

import pytest

import streamtap
import streamtap.testing
import streamtap.typing

COMMANDS = 'demo', 'report', 'dashboards'

PASSED_BY_THE_TAP = {'CapabilityDoor', 'RunTrace', 'Server'}

PUBLIC = [streamtap, streamtap.testing, streamtap.typing]
if find_spec('pydantic_evals') is not None:
    PUBLIC.append(import_module('streamtap.evals'))


def test_all_is_complete_and_sorted():
    """Everything public is listed, and nothing else."""
    for module in PUBLIC:
        assert set(module.__all__) <= set(dir(module))
        assert all(hasattr(module, name) for name in module.__all__)
        public = {
            name for name, value in vars(module).items() if not name.startswith('_') and not inspect.ismodule(value)
        } - {'pytest_plugins', 'TYPE_CHECKING'}
        assert set(module.__all__) - {'__version__'} == public
        assert list(module.__all__) == sorted(module.__all__)


def test_the_version_is_the_installed_one():
    """One source for both."""
    assert streamtap.__version__ == version('streamtap')


def test_everything_public_is_documented():
    """Classes, functions and the methods that users call."""
    exported = [getattr(module, name) for module in PUBLIC for name in module.__all__]
    public = [each for each in exported if inspect.isclass(each) or inspect.isfunction(each)]
    classes = [owner for owner in public if inspect.isclass(owner)]
    methods = [
        method
        for owner in classes
        for name, method in vars(owner).items()
        if inspect.isfunction(method) and not name.startswith('_')
    ]
    assert [thing for thing in (*public, *methods) if callable(thing) and not inspect.getdoc(thing)] == []


def test_what_is_exported_says_that_it_belongs_there():
    """In pickles, tracebacks and the API page no private path appears."""
    for module in PUBLIC:
        found = [getattr(module, name) for name in module.__all__]
        assert {each.__module__ for each in found if inspect.isclass(each) or inspect.isfunction(each)} == {
            module.__name__
        }


def test_the_types_in_public_signatures_can_be_imported():
    """Each class that a public signature or field names is exported somewhere, but for what only the tap itself passes."""
    private = {
        name
        for path, module in list(sys.modules.items())
        if path.startswith('streamtap._')
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__.startswith('streamtap._')
    } - {name for module in PUBLIC for name in module.__all__}
    for module in PUBLIC:
        for owner in (getattr(module, name) for name in module.__all__):
            members = vars(owner).items() if inspect.isclass(owner) else ()
            called = [value for name, value in members if not name.startswith('_') or name == '__init__']
            annotated = [each for each in (owner, *called) if hasattr(each, '__annotations__')]
            names = set(re.findall(r'\w+', ' '.join(str(each.__annotations__) for each in annotated)))
            assert names & private <= PASSED_BY_THE_TAP, owner


def test_a_record_can_be_pickled():
    """Under its public name, and with what it holds by default."""
    record = streamtap.ToolRecord(
        run_id='r', step=1, agent='a', tool='t', tool_call_id='c', kind='function', started_ns=0, duration=None,
        outcome='success'
    )  # fmt: skip
    held = pickle.dumps(record)
    assert (pickle.loads(held), b'streamtap._' in held) == (record, False)


def test_a_name_that_is_none_is_told_as_python_does():
    """Public names are imported when the first is asked for; this one is not."""
    with pytest.raises(AttributeError, match="module 'streamtap' has no attribute 'Tapp'"):
        streamtap.Tapp  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnusedExpression] # noqa: B018
    with pytest.raises(ImportError, match='cannot import name'):
        exec('from streamtap import Tapp')


@pytest.mark.parametrize(
    'arguments', [['--version'], ['--help'], *([each, '--help'] for each in COMMANDS)], ids=' '.join
)
def test_the_command_says_what_it_is_without_importing_what_takes_long(arguments: list[str]):
    """Pydantic AI, pydantic and rich take a second, and nobody waits for `--help`."""
    program = (
        'import sys\n'
        'from streamtap._cli import main\n'
        'try: main(sys.argv[1:])\n'
        'finally: print(*{"pydantic_ai", "pydantic", "rich", "opentelemetry", "prometheus_client"} & {*sys.modules}, "nothing")'
    )
    command = [sys.executable, '-c', program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == 'nothing'


def test_importing_it_pulls_in_no_extra():
    """Neither the demo's terminal library nor a telemetry SDK nor a web framework, nor the parts that the CLI uses."""
    program = 'import pydantic_ai, sys; before = set(sys.modules); import streamtap; streamtap.Tap; print(*set(sys.modules) - before)'
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True, timeout=60)
    pulled = set(done.stdout.split())
    assert 'streamtap' in pulled
    extras = (
        'streamtap._web',
        'rich',
        'duckdb',
        'logfire',
        'pydantic_evals',
        'starlette',
        'uvicorn',
        'openai',
        'opentelemetry.sdk',
        'opentelemetry.exporter',
    )
    own = ('streamtap._cli', 'streamtap._demo', 'streamtap._web', 'streamtap.testing')
    assert not {name for name in pulled if f'{name}.'.startswith(tuple(f'{extra}.' for extra in extras + own))}

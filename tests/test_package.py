"""What the package shows of itself."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import version

import streamtap
import streamtap.testing


def test_all_is_complete_and_sorted():
    """Everything public is listed, and nothing else."""
    for module in (streamtap, streamtap.testing):
        public = {
            name for name, value in vars(module).items() if not name.startswith('_') and not inspect.ismodule(value)
        } - {'pytest_plugins'}
        assert set(module.__all__) - {'__version__'} == public
        assert list(module.__all__) == sorted(module.__all__)


def test_the_version_is_the_installed_one():
    """One source for both."""
    assert streamtap.__version__ == version('streamtap')


def test_everything_public_is_documented():
    """Classes, functions and the methods that users call."""
    public = [getattr(module, name) for module in (streamtap, streamtap.testing) for name in module.__all__]
    classes = [owner for owner in public if inspect.isclass(owner)]
    methods = [
        method
        for owner in classes
        for name, method in vars(owner).items()
        if inspect.isfunction(method) and not name.startswith('_')
    ]
    assert [thing for thing in (*public, *methods) if callable(thing) and not inspect.getdoc(thing)] == []


def test_importing_it_pulls_in_no_extra():
    """Neither the demo's terminal library nor a telemetry SDK nor a web framework, nor the parts that the CLI uses."""
    program = 'import pydantic_ai, sys; before = set(sys.modules); import streamtap; print(*set(sys.modules) - before)'
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True, timeout=60)
    pulled = set(done.stdout.split())
    assert 'streamtap' in pulled
    extras = (
        'streamtap._web',
        'rich',
        'logfire',
        'starlette',
        'uvicorn',
        'openai',
        'opentelemetry.sdk',
        'opentelemetry.exporter',
    )
    own = ('streamtap._cli', 'streamtap._demo', 'streamtap._web', 'streamtap.testing')
    assert not {name for name in pulled if f'{name}.'.startswith(tuple(f'{extra}.' for extra in extras + own))}


def test_dependencies_flow_one_way():
    """A sink knows no door, a door no sink, and only `upstream` and the doors know pydantic-ai."""
    from pathlib import Path

    root = Path(streamtap.__file__).parent
    imports = {
        path.relative_to(root).as_posix(): [
            line.strip() for line in path.read_text(encoding='utf-8').splitlines() if 'import ' in line
        ]
        for path in root.rglob('*.py')
    }

    def knowing(*modules: str) -> set[str]:
        return {
            name
            for name, lines in imports.items()
            for line in lines
            if line.startswith(tuple(f'from {module} ' for module in modules) + tuple(f'from {m}.' for m in modules))
        }

    of_prometheus = {
        '_prometheus.py',
        '_prometheus_instruments.py',
        '_prometheus_live.py',
        '_bulk_histogram.py',
        '_multiprocess.py',
    }
    of_otel = {'_otel_metrics.py', '_otel_instruments.py'}
    of_both = {'_catalogue_sink.py', '_instruments.py', '_open_gauges.py', '_exposition.py'}
    of_sinks = of_prometheus | of_otel | of_both | {'_usage.py', '_usage_summary.py', '_serve.py'}
    of_sinks |= {'_log.py', '_progress.py', '_record_json.py', '_run_callback.py'}
    of_sinks |= {name for name in imports if name.startswith(('_journal', '_report/', '_web/'))}
    sinks = {f'streamtap.{name.removesuffix(".py").replace("/", ".")}' for name in of_sinks}
    doors = {
        'streamtap._doors.handler.door',
        'streamtap._doors.capability.hooks',
        'streamtap._doors.capability.run',
        'streamtap._doors.capability.door',
        'streamtap._doors.nodes.streams',
        'streamtap._doors.nodes.runs',
        'streamtap._doors.watch.door',
        'streamtap._doors.watch.run',
        'streamtap._doors.capability.streams',
    }
    pure = {'_meter.py', '_distribution.py', '_phases.py', '_records.py', '_live.py', '_catalogue.py', '_labels.py'}
    assert not knowing(*sinks) & {'_handler.py', '_capability.py', '_capability_run.py', '_run.py', '_runs.py'}
    assert not knowing(*doors) & of_sinks
    assert not knowing('pydantic_ai') & (pure | of_sinks)
    assert knowing('prometheus_client') <= of_prometheus | {'_serve.py', '_cli.py', '_demo/_run.py'}

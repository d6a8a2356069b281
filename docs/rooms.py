"""The rooms of `src/streamtap`: what each is, what it may import, and what its files do import."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOURCE = Path(__file__).parents[1] / 'src' / 'streamtap'


@dataclass(frozen=True, slots=True)
class Room:
    """A package, or a file at the top of `src/streamtap`.

    Args:
        name: Its name.
        what: What it is.
        imports: The rooms that it may import.
    """

    name: str
    what: str
    imports: tuple[str, ...]


_FACTS = ('_base', '_records')
_CORE = (*_FACTS, '_meter', '_upstream', '_delivery')
_VIEWS = (*_FACTS, '_display', '_delivery', '_sinks')
_ALL = (*_CORE, '_display', '_runs', '_doors', '_sinks', '_http', '_web', '_report')
_WIRING = ('_tap', '_serve', '_asgi', '_install', 'typing')

ROOMS = (
    Room('_base', 'clocks, forks, process exit, safe text, clean names, argument checks', ()),
    Room(
        '_records',
        'the facts that cross: records, their bounds, live snapshots, distributions, their JSON; what counts as failed',
        ('_base',),
    ),
    Room('_meter', "the arithmetic of one response and of a run's phases: no I/O, threads or clocks", ('_records',)),
    Room('_display', 'numbers, tables and bars for people, in terminal and page alike; text on its way out', _FACTS),
    Room('_upstream', 'everything about pydantic-ai: versions, private shapes, wording', (*_FACTS, '_meter')),
    Room('_delivery', 'the sink protocol, the guard, dispatch, the worker thread, the tracing interface', _FACTS),
    Room('_runs', 'open runs, requests and tool calls, their ends and parents, price, snapshot', _CORE),
    Room('_doors', 'what pydantic-ai calls, turned into "this happened, now"', (*_CORE, '_runs')),
    Room('_sinks', 'metrics, spans, usage, journal, log, progress', (*_FACTS, '_display', '_delivery')),
    Room('_http', 'an HTTP server within limits, and threads for ASGI applications', ('_base',)),
    Room('_web', 'the live page, and who may read what is served', (*_VIEWS, '_http')),
    Room('_report', 'reports from journals', _VIEWS),
    Room('_dashboards', 'boards, rules and alerts: what writes them, and what compares', (*_FACTS, '_sinks')),
    Room('_budgets', 'what several runs took together, and whether it is within limits', (*_FACTS, '_display')),
    Room('_tap', 'wiring: the tap', _ALL),
    Room('_serve', 'wiring: `/metrics` and the live page over HTTP', (*_ALL, '_tap')),
    Room('_asgi', 'wiring: the same as ASGI applications, to mount', (*_ALL, '_tap', '_serve')),
    Room('_install', 'wiring: a tap for every agent of the process', (*_ALL, '_tap', '_serve')),
    Room('typing', 'types for annotations', (*_ALL, '_tap', '_serve', '_asgi')),
    Room('__init__', 'the public names', (*_ALL, *_WIRING)),
    Room('testing', "what users' tests need", (*_ALL, *_WIRING, '__init__', '_budgets')),
    Room(
        'evals',
        "a case's figures in evaluations with pydantic-evals, and evaluators of them",
        (*_FACTS, '_delivery', '_budgets'),
    ),
    Room('_demo', 'scripted agents on a real HTTP stream', (*_ALL, *_WIRING, '__init__', 'testing')),
    Room('_cli', 'the command', (*_ALL, *_WIRING, '__init__', 'testing', '_demo', '_dashboards')),
    Room('__main__', '`python -m streamtap`', ('_cli',)),
    Room('_version', 'the version', ()),
)
"""From the ground up; `_version` may be imported by every room."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library that only some places may import.

    Args:
        at_run_time: The paths of files and folders that may import it.
        for_types: Those that may import it besides, under `TYPE_CHECKING`.
    """

    at_run_time: tuple[str, ...]
    for_types: tuple[str, ...] = ()


LIBRARIES: Mapping[str, Library] = {
    'pydantic_ai': Library(
        ('_upstream/', '_doors/capability/hooks.py', '_demo/'), for_types=('_runs/', '_doors/', '_tap.py', '_install/')
    ),
    'prometheus_client': Library(('_sinks/prometheus/', '_serve.py', '_asgi.py')),
    'opentelemetry': Library(
        ('_upstream/', '_delivery/tracing.py', '_sinks/otel/', '_demo/traces.py'), for_types=('_install/',)
    ),
    'opentelemetry.sdk': Library(('_demo/traces.py',)),
    'opentelemetry.exporter': Library(('_demo/traces.py',)),
    'logfire': Library(()),
    'rich': Library(('_sinks/progress/', '_report/text.py', '_demo/')),
    'duckdb': Library(('_report/exports/duck.py',), ('_report/fleet/store.py',)),
    'openai': Library(('_demo/scenario.py',)),
    'pytest': Library(('testing/_plugin/',)),
    'pydantic_evals': Library(('evals/',)),
    'h11': Library(('_http/connection.py',)),
}


PURE = ('_meter/', ('asyncio', 'io', 'logging', 'os', 'pathlib', 'socket', 'threading', 'time'))
"""Where there is only arithmetic, and what has no place there."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import.

    Args:
        file: The path of the file, below the package.
        line: Its line.
        module: What it imports: a module of ours by its path below the package, or a library's by its full name.
        is_ours: Whether it is a module of ours.
        for_types: Whether it stands under `TYPE_CHECKING`.
    """

    file: str
    line: int
    module: str
    is_ours: bool
    for_types: bool


def room_of(path: str) -> str:
    """The room of a file or of a module of ours."""
    return path.partition('/')[0].removesuffix('.py')


def imports(source: Path = SOURCE) -> Iterator[Import]:
    """Every import of every file, also those inside functions and under `TYPE_CHECKING`.

    Args:
        source: The folder of the package.
    """
    modules = {path.relative_to(source).with_suffix('').as_posix() for path in source.rglob('*.py')}
    for path in sorted(source.rglob('*.py')):
        file = path.relative_to(source).as_posix()
        tree = ast.parse(path.read_text(encoding='utf-8'))
        only_types = {id(node) for block in ast.walk(tree) if _is_for_types(block) for node in _inside(block)}
        for node in ast.walk(tree):
            for name in _imported(node):
                ours = _ours(name, modules)
                line: int = getattr(node, 'lineno', 0)
                yield Import(file, line, name if ours is None else ours, ours is not None, id(node) in only_types)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
        # A name may be a module of its own.
        return [f'{node.module}.{alias.name}' for alias in node.names]
    return ['.'] if isinstance(node, ast.ImportFrom) else []


def _ours(name: str, modules: set[str]) -> str | None:
    first, *rest = name.split('.')
    if first != 'streamtap':
        return None
    for count in range(len(rest), 0, -1):
        for found in ('/'.join(rest[:count]), '/'.join([*rest[:count], '__init__'])):
            if found in modules:
                return found
    return '__init__'


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == 'TYPE_CHECKING'


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    return (inner for child in getattr(node, 'body', ()) for inner in ast.walk(child))


def violations(source: Path = SOURCE) -> list[str]:
    """The imports that break a rule, each with its file, its line and the rule.

    Args:
        source: The folder of the package.
    """
    allowed = {room.name: {room.name, '_version', *room.imports} for room in ROOMS}
    found: list[str] = []
    for each in imports(source):
        place, room = f'{each.file}:{each.line}', room_of(each.file)
        if room not in allowed:
            found.append(f'{place}: {room} is not in the table of rooms')
        elif each.module == '.':
            found.append(f'{place}: write imports of ours in full, from streamtap on')
        elif each.is_ours:
            if room_of(each.module) not in allowed[room]:
                found.append(f'{place}: {room} may not import {room_of(each.module)} ({each.module})')
        else:
            found += [f'{place}: {rule}' for rule in _broken(each)]
    return found


def _broken(each: Import) -> Iterator[str]:
    if each.file.startswith(PURE[0]) and each.module.partition('.')[0] in PURE[1]:
        yield f'{PURE[0]} is arithmetic only ({each.module})'
    for name, library in LIBRARIES.items():
        if f'{each.module}.'.startswith(f'{name}.'):
            places = (*library.at_run_time, *(library.for_types if each.for_types else ()))
            if not each.file.startswith(places):
                yield f'{name} may be imported only in {", ".join(places) or "no file"} ({each.module})'


def floors(graph: Mapping[str, set[str]]) -> dict[str, int]:
    """The floor of each node: one above the highest that it imports, the ground floor being 1.

    Args:
        graph: What each node imports.

    Raises:
        ValueError: If imports form a circle; it names the nodes on the way.
    """
    found: dict[str, int] = {}

    def climb(node: str, way: tuple[str, ...]) -> int:
        if node in way:
            raise ValueError(f'a circle of imports: {" -> ".join((*way[way.index(node) :], node))}')
        if node not in found:
            found[node] = 1 + max((climb(each, (*way, node)) for each in sorted(graph.get(node, ()))), default=0)
        return found[node]

    for node in sorted(graph):
        climb(node, ())
    return found


def imports_of_files(source: Path = SOURCE) -> dict[str, set[str]]:
    """Which files of ours each file imports.

    Args:
        source: The folder of the package.
    """
    graph: dict[str, set[str]] = {path.relative_to(source).as_posix(): set() for path in source.rglob('*.py')}
    for each in imports(source):
        if each.is_ours and f'{each.module}.py' != each.file:
            graph[each.file].add(f'{each.module}.py')
    return graph


def imports_of_rooms(source: Path = SOURCE) -> dict[str, set[str]]:
    """Which rooms each room imports.

    Args:
        source: The folder of the package.
    """
    graph: dict[str, set[str]] = {}
    for file, imported in imports_of_files(source).items():
        graph.setdefault(room_of(file), set()).update({room_of(each) for each in imported} - {room_of(file)})
    return graph

"""The pages of the API: a group of public names on each, with a line about each name at its top."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

# What renders the site reads the source: importing the package would need every extra.
from griffe import Alias, Attribute, Class, Function, Module, Object, load

SOURCE = Path(__file__).parents[1] / 'src'

NOTE = '<!-- Written by docs/api_pages.py from the docstrings: change these, then run `make docs`. -->'

LOW = """---
search:
  boost: 0.5
---

"""
"""A guide or a reference is what somebody looks for who does not type a name."""

HEAD = f"""# API

{NOTE}

Everything that may be imported from `streamtap`, `streamtap.testing`, `streamtap.evals` and `streamtap.typing`, by what you do with it.
"""


@dataclass(frozen=True)
class Group:
    """What is on a page.

    Args:
        file: The page's name.
        title: Its heading.
        about: What it is for, a sentence or two.
        names: The public names, in the order in which they are shown, by package.
        are_read: What is made by the tap and only read: their fields are shown, by type, and not how to make one.
    """

    file: str
    title: str
    about: str
    names: dict[str, tuple[str, ...]]
    are_read: bool = field(default=False, kw_only=True)


GROUPS = (
    Group(
        'attach',
        'Attach a tap',
        'The tap, and how it gets to your agents: [every agent at once](../install.md), or [one door](../doors.md).',
        {'streamtap': ('Tap', 'Objective', 'TapCapability', 'default_sinks', 'install', 'uninstall', 'Streamtap')},
    ),
    Group(
        'look',
        'Look',
        'The summary, the [live view](../live-view.md), [progress](../progress.md), and what is open now.',
        {
            'streamtap': (
                'serve',
                'MetricsServer',
                'metrics_app',
                'live_app',
                'UsageSummary',
                'Progress',
                'RunProgress',
                'Live',
                'LiveRun',
                'LiveResponse',
                'LiveTool',
            ),
            'streamtap.typing': (
                'Usage',
                'RunsUsage',
                'AgentUsage',
                'LabelUsage',
                'ModelUsage',
                'ToolUsage',
                'FailureUsage',
                'RecentRun',
            ),
        },
        are_read=True,
    ),
    Group(
        'store',
        'Send and store',
        'The [sinks](../sinks.md), which take what was measured; [journals](../journal.md); a sink of your own.',
        {
            'streamtap': (
                'PrometheusSink',
                'OTelMetricSink',
                'OTelSpanSink',
                'UsageSink',
                'JournalSink',
                'LogSink',
                'OTelLogSink',
                'read_journal',
                'BrokenLine',
                'BrokenJournalError',
                'BaseSink',
                'Sink',
                'Attachment',
            )
        },
    ),
    Group(
        'records',
        'Records',
        'What a sink, `on_run` and `read_journal()` get: the facts of a run, a response or a tool call.',
        {
            'streamtap': (
                'RunRecord',
                'ResponseRecord',
                'ToolRecord',
                'PartRecord',
                'ReaderRecord',
                'CalledRuns',
                'FailureRecord',
                'LoopRecord',
                'McpRecord',
                'Distribution',
                'RunStart',
                'ResponseStart',
                'ToolStart',
                'Fault',
                'LoopLag',
            )
        },
        are_read=True,
    ),
    Group(
        'test',
        'Test',
        'What [tests](../testing.md) need: a tap whose records they check, a clock, and a provider that streams a script.',
        {
            'streamtap.testing': (
                'capture',
                'capture_of',
                'Capture',
                'MemorySink',
                'FakeClock',
                'PacedProvider',
                'Reply',
                'words',
                'Say',
                'Think',
                'Call',
                'Hidden',
                'Pause',
                'Hang',
                'Drop',
                'Fail',
                'TokenUsage',
                'ChatRequest',
                'Served',
                'SentChunk',
            )
        },
    ),
    Group(
        'evaluate',
        'Evaluate',
        'Figures of each case in [evaluations](../evals.md) with pydantic-evals, and evaluators that limit them.',
        {
            'streamtap.evals': (
                'EvalSink',
                'EVALUATORS',
                'FirstOutputWithin',
                'RunWithin',
                'MaxStallSeconds',
                'MinTokensPerSecond',
                'MaxCost',
                'MaxRepeatedToolCalls',
                'MaxContextUsed',
                'MaxCacheMissedTokens',
                'ObjectiveMet',
            )
        },
    ),
    Group(
        'types',
        'Types',
        'Types for annotations of your own.',
        {
            'streamtap.typing': (
                'Door',
                'RunOutcome',
                'RequestOutcome',
                'ToolOutcome',
                'ToolKind',
                'CostSource',
                'UnmeasuredReason',
                'CacheMissReason',
                'ObjectivePart',
                'FailurePlace',
                'Objectives',
                'ToolError',
                'Price',
                'Redact',
                'RedactedField',
                'Clock',
                'Histograms',
                'AsgiApp',
                'Semconv',
                'Transport',
                'Grid',
            )
        },
    ),
)


CALLED_BY_PYDANTIC_AI = {'Streamtap', 'TapCapability'}
"""Whose methods are hooks."""

CALLED_BY_THE_TAP = {'forked', 'open'}
"""Methods of sinks and servers, beside those that every sink has."""


def pages() -> dict[str, str]:
    """Every page, by its path below `docs/`."""
    package = load('streamtap', search_paths=[str(SOURCE)], resolve_aliases=True)
    assert isinstance(package, Module)
    shown = [_Shown(group, package) for group in GROUPS]
    index = [f'## [{each.group.title}](api/{each.group.file}.md)\n\n{each.about}' for each in shown]
    return {
        'api.md': LOW + HEAD + '\n' + '\n\n'.join(index).replace('](../', '](') + '\n',
        **{f'api/{each.group.file}.md': each.page() for each in shown},
    }


class _Shown:
    """A group, with what the source says of it.

    Args:
        group: The group.
        package: The package, as read from its source.
    """

    def __init__(self, group: Group, package: Module) -> None:
        self.group = group
        self._objects: dict[str, Object] = {}
        for path, names in group.names.items():
            module = package if path == 'streamtap' else package[path.removeprefix('streamtap.')]
            for name in names:
                self._objects[f'{path}.{name}'] = _itself(module[name])
        sink = _itself(package['BaseSink'])
        self._of_every_sink = CALLED_BY_THE_TAP | {name for name in sink.members if not name.startswith('_')}

    @property
    def about(self) -> str:
        """What it is for, and a line about each name, which leads to it."""
        rows = [f'| [{path.rpartition(".")[2]}][{path}] | {_first(each)} |' for path, each in self._objects.items()]
        return '\n'.join([self.group.about, '', '| name | what it is |', '|---|---|', *rows])

    def page(self) -> str:
        """The names of the group: a line about each, then all there is to say."""
        shown = [self._in_full(path, each) for path, each in self._objects.items()]
        return f'{LOW}# {self.group.title}\n\n{NOTE}\n\n{self.about}\n\n' + '\n'.join(shown)

    def _in_full(self, path: str, each: Object) -> str:
        if not isinstance(each, Class):
            return f'::: {path}\n'
        if self.group.are_read and _is_data(each):
            methods = [name for name, member in _members(each).items() if isinstance(member, Function)]
            options = {'show_signature': 'false', 'inherited_members': 'false', 'members': _listed(methods)}
            return f'::: {path}\n{_options(options)}\n{_fields(each)}'
        if each.name in CALLED_BY_PYDANTIC_AI:
            return f'::: {path}\n{_options({"members": "false"})}'
        if any(base.name == 'BaseSink' for base in each.mro()):
            own = [name for name in _members(each) if name not in self._of_every_sink]
            return f'::: {path}\n{_options({"members": _listed(own)})}'
        return f'::: {path}\n'


def _itself(found: Object | Alias) -> Object:
    return found.final_target if isinstance(found, Alias) else found


def _is_data(each: Class) -> bool:
    """Whether it is a dataclass or a model of pydantic's."""
    bases = [str(base) for every in (each, *each.mro()) for base in every.bases]
    return 'dataclass' in each.labels or 'BaseModel' in bases


def _members(each: Class) -> dict[str, Function | Attribute]:
    """The public members of a class, its own and those that it has from others of ours."""
    members = {name: _itself(member) for name, member in each.all_members.items() if not name.startswith('_')}
    return {name: member for name, member in members.items() if isinstance(member, (Function, Attribute))}


def _fields(each: Class) -> str:
    """The fields of a class by their type, in a table; nothing if it has none."""
    by_type: dict[str, list[str]] = {}
    for name, member in _members(each).items():
        if isinstance(member, Attribute) and name != 'model_config':
            by_type.setdefault(str(member.annotation).replace('|', '\\|'), []).append(f'`{name}`')
    rows = [f'| <code>{kind}</code> | {", ".join(names)} |' for kind, names in by_type.items()]
    return '\n'.join(['| type | fields |', '|---|---|', *rows]) + '\n' if rows else ''


def _listed(names: list[str]) -> str:
    return f'[{", ".join(names)}]' if names else 'false'


def _options(options: dict[str, str]) -> str:
    return ''.join(['    options:\n', *(f'      {name}: {value}\n' for name, value in options.items())])


def _first(each: Object) -> str:
    """The first sentence of a docstring."""
    assert each.docstring is not None, f'{each.path} has no docstring'
    return each.docstring.value.strip().split('\n\n')[0].replace('\n', ' ').replace('|', '\\|')

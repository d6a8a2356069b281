"""The pages of the API: a group of public names on each, with a line about each name at its top."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).parents[1] / 'src'

NOTE = '<!-- Written by docs/api_pages.py from the docstrings: change these, then run `make docs`. -->'

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
        without_signature: Records of many fields: their table says it all.
    """

    file: str
    title: str
    about: str
    names: dict[str, tuple[str, ...]]
    without_signature: bool = field(default=False, kw_only=True)


GROUPS = (
    Group(
        'attach',
        'Attach a tap',
        'The tap, and how it gets to your agents: [every agent at once](../install.md), or [one door](../doors.md).',
        {'streamtap': ('Tap', 'TapCapability', 'default_sinks', 'install', 'uninstall', 'Streamtap')},
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
                'RecentRun',
            ),
        },
        without_signature=True,
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
                'Distribution',
                'RunStart',
                'ResponseStart',
                'ToolStart',
                'Fault',
                'LoopLag',
            )
        },
        without_signature=True,
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
                'Price',
                'Redact',
                'RedactedField',
                'Clock',
                'Histograms',
                'AsgiApp',
                'Grid',
            )
        },
    ),
)


def pages() -> dict[str, str]:
    """Every page, by its path below `docs/`."""
    lines = _first_lines()
    index = [f'## [{group.title}](api/{group.file}.md)\n\n{group.about}\n\n{_table(group, lines)}' for group in GROUPS]
    return {
        'api.md': HEAD + '\n' + '\n\n'.join(index).replace('](../', '](') + '\n',
        **{f'api/{group.file}.md': _page(group, lines) for group in GROUPS},
    }


def _page(group: Group, lines: dict[str, str]) -> str:
    """The names of a group: a line about each, then all there is to say."""
    option = '    options:\n      show_signature: false\n'
    shown = [
        f'::: {package}.{name}\n' + (option if group.without_signature and name[0].isupper() else '')
        for package, names in group.names.items()
        for name in names
    ]
    return f'# {group.title}\n\n{NOTE}\n\n{group.about}\n\n{_table(group, lines)}\n\n' + '\n'.join(shown)


def _table(group: Group, lines: dict[str, str]) -> str:
    """A line about each name, which leads to it."""
    rows = [
        f'| [`{name}`][{package}.{name}] | {lines[f"{package}.{name}"]} |'
        for package, names in group.names.items()
        for name in names
    ]
    return '\n'.join(['| name | what it is |', '|---|---|', *rows])


def _first_lines() -> dict[str, str]:
    """The first sentence of each public name's docstring."""
    # What renders the site reads them: importing the package would need every extra.
    import griffe

    found: dict[str, str] = {}
    package = griffe.load('streamtap', search_paths=[str(SOURCE)], resolve_aliases=True)
    for group in GROUPS:
        for path, names in group.names.items():
            for name in names:
                module = package if path == 'streamtap' else package[path.removeprefix('streamtap.')]
                shown = module[name]
                docstring = shown.docstring or shown.final_target.docstring
                assert docstring is not None, f'{path}.{name} has no docstring'
                found[f'{path}.{name}'] = (
                    docstring.value.strip().split('\n\n')[0].replace('\n', ' ').replace('|', '\\|')
                )
    return found

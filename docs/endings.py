"""The table of endings by doors in `endings.md`: what each door says of a run that ends in each of the ways there are.

`tests/promises/test_endings_by_door.py` runs every row at every door and holds what was recorded against this table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Way: TypeAlias = Literal['run', 'events', 'adapter', 'nodes', 'other']

WAYS: Mapping[Way, str] = {
    'run': 'handler',
    'events': 'watch: `run_stream_events()`',
    'adapter': "watch: an adapter's `run_stream_native()`",
    'nodes': 'watch: `node.stream()`',
    'other': 'watch: other iterables',
}
"""The doors beside the capability, by how the agent is run."""


@dataclass(frozen=True)
class Difference:
    """What a door says of an ending that is not what the capability says.

    Args:
        text: What the table shows.
        run: The run's outcome, where it is another.
        requests: The outcomes of its requests, where they are others.
        tokens: Whether the tokens of its requests are known, and with them their cost and their finish reasons.
        steps: Whether its tool calls are known to be of the right step.
    """

    text: str
    run: str | None = None
    requests: str | None = None
    tokens: bool = True
    steps: bool = True


@dataclass(frozen=True)
class Row:
    """An ending.

    Args:
        name: What happens.
        run: The run's outcome.
        requests: The outcomes of its requests, in order.
        but: What the doors say that do not say the same as the capability.
        untried: The ways in which no run can end so.
    """

    name: str
    run: str
    requests: str
    but: Mapping[Way, Difference] = field(default_factory=dict[Way, Difference])
    untried: tuple[Way, ...] = ()


NEVER_SENT = Difference('1 `success`', requests='success', tokens=False)
NO_TOKENS = Difference('no tokens', tokens=False)
NO_STEPS = Difference('other steps', steps=False)


def _seen(requests: str, *, run: str | None = None) -> Difference:
    """What is left where the events lead to no run, and no result brings its messages."""
    return Difference(f'{_counted(requests)}, no tokens', run, requests, tokens=False, steps=False)


def _counted(requests: str) -> str:
    counts = Counter(requests.split())
    return ', '.join(f'{count} `{outcome}`' for outcome, count in counts.items()) or 'none'


ROWS: tuple[Row, ...] = (
    Row('a text', 'success', 'success'),
    Row('a tool, then a text', 'success', 'success success'),
    Row('an output tool', 'success', 'success'),
    Row('an output tool beside a tool', 'success', 'success'),
    Row('a call that waits for a person', 'deferred', 'success'),
    Row('a text sent back', 'success', 'success success'),
    Row('texts sent back until retries are used up', 'error', 'success success success success', {'other': NO_TOKENS}),
    Row('an output sent back', 'success', 'success success'),
    Row('a tool that asks again', 'success', 'success success'),
    Row('a tool that does not exist', 'success', 'success success'),
    Row('an empty answer first', 'success', 'success success'),
    Row('an empty answer after a tool round', 'success', 'success success success'),
    Row('empty answers in between', 'success', 'success success success success success success', {'other': NO_STEPS}),
    Row('an empty answer that is the result', 'success', 'success success'),
    Row('empty answers until retries are used up', 'error', 'success success success success', {'other': _seen('')}),
    Row(
        'empty answers after a tool round until retries are used up',
        'error',
        'success success success success success',
        {'other': _seen('success')},
    ),
    Row('only thinking, then a text', 'success', 'success success'),
    Row('a blocked prompt', 'error', 'success', {'other': _seen('')}),
    Row('a blocked prompt after thinking', 'error', 'success', {'other': NO_TOKENS}),
    Row('a paused turn of two segments', 'success', 'success'),
    Row('a paused turn of three segments', 'success', 'success'),
    Row('a paused turn that calls a tool', 'success', 'success success'),
    Row('a paused turn that fails', 'error', 'error', {'other': _seen('incomplete')}),
    Row('a paused turn that hangs', 'cancelled', 'cancelled', {'other': _seen('incomplete')}),
    Row('a paused turn restarted by a fallback', 'success', 'error error success', {'other': _seen('success success')}),
    Row('a fallback', 'success', 'error success'),
    Row('a fallback that is used up', 'error', 'error error'),
    Row('a fallback that is used up after a tool round', 'error', 'success error error', {'other': NO_TOKENS}),
    Row('a history that is cut short', 'success', 'success success success success', {'other': NO_TOKENS}),
    Row('a history that is cut short, then a failure', 'error', 'success success success error', {'other': NO_TOKENS}),
    Row('a history that is copied', 'success', 'success success success success', {'other': NO_STEPS}),
    Row('a history that is copied, after an empty answer', 'success', 'success success success', {'other': NO_STEPS}),
    Row('a history that is reworded', 'success', 'success success success'),
    Row('an answer that a capability sends back', 'success', 'success success'),
    Row(
        'an answer sent back, and a history cut short',
        'success',
        'success success success success',
        {'other': NO_TOKENS},
    ),
    Row(
        'an answer at which a capability fails',
        'error',
        'success',
        {'other': NO_TOKENS},
    ),
    Row('an answer out of a cache', 'success', '', {'run': NEVER_SENT, 'nodes': NEVER_SENT, 'other': NEVER_SENT}),
    Row('a model whose properties raise', 'success', 'success success'),
    Row('a model whose properties raise, and that fails', 'error', 'success error', {'other': NO_TOKENS}),
    Row('a failure at once', 'error', 'error'),
    Row('a failure in the first response', 'error', 'error', {'other': NO_TOKENS}),
    Row('a failure after a response', 'error', 'success error', {'other': NO_TOKENS}),
    Row('a failure in the second response', 'error', 'success error', {'other': NO_TOKENS}),
    Row('a failure after a text was sent back', 'error', 'success error', {'other': _seen('incomplete')}),
    Row('a failure after an empty answer', 'error', 'success success error', {'other': _seen('success error')}),
    Row('a failure of the connection', 'error', 'success error', {'other': _seen('success')}),
    Row('a tool that raises', 'error', 'success', {'other': NO_TOKENS}),
    Row('a limit of requests', 'limit', 'success', {'other': NO_TOKENS}),
    Row(
        'a limit of requests after an empty answer',
        'limit',
        'success success',
        {'other': _seen('success')},
    ),
    Row('a limit of tokens', 'limit', 'cancelled', {'other': NO_TOKENS}),
    Row('a limit of tokens in the second response', 'limit', 'success cancelled', {'other': NO_TOKENS}),
    Row('a limit of tool calls', 'limit', 'success', {'other': NO_TOKENS}),
    Row('stopped before the first token', 'cancelled', 'cancelled', {'other': _seen('')}),
    Row('stopped in the first response', 'cancelled', 'cancelled', {'other': NO_TOKENS}),
    Row('stopped after a response', 'cancelled', 'success cancelled', {'other': _seen('success')}),
    Row('stopped in the second response', 'cancelled', 'success cancelled', {'other': NO_TOKENS}),
    Row('stopped after an empty answer', 'cancelled', 'success success cancelled', {'other': _seen('success')}),
    Row('left in the second response', 'cancelled', 'success cancelled', {'other': NO_TOKENS}, ('run',)),
    Row(
        'left after an empty answer',
        'cancelled',
        'success success cancelled',
        {'other': _seen('success cancelled')},
        ('run',),
    ),
)


BEGIN, END = '<!-- endings: written by docs/endings.py, run `make docs` -->\n', '<!-- end of endings -->\n'


def page(text: str) -> str:
    """The page with the table between its two marks.

    Args:
        text: The page as it is.
    """
    before, _, rest = text.partition(BEGIN)
    return f'{before}{BEGIN}{section()}{END}{rest.partition(END)[2]}'


def section() -> str:
    """The table, for `endings.md`."""
    lines = [
        '| ending | run | requests | ' + ' | '.join(WAYS.values()) + ' |',
        '|---|---|---|' + '---|' * len(WAYS),
    ]
    for row in ROWS:
        cells = [row.but[way].text if way in row.but else '-' if way in row.untried else '=' for way in WAYS]
        lines.append(f'| {row.name} | `{row.run}` | {_counted(row.requests)} | ' + ' | '.join(cells) + ' |')
    return '\n' + '\n'.join(lines) + '\n\n'

"""Which names the records of a journal have, to refuse one that none has: a misspelt name would choose nothing."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from streamtap._display.exits import short_name, value_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streamtap._records.as_json import Record
    from streamtap._report.choice import Choice

MOST_NAMES = 2000
"""How many names of a kind are remembered, to tell which one may have been meant."""

MOST_TOLD = 3
"""How many names a message lists."""

LEAST_OF_ID = 4
"""How many characters an id begins with that may have been meant, or that stand for it."""

MOST_IDS = 5
"""How many ids a message lists that begin alike."""


class Names:
    """The names of one kind that there are.

    Args:
        asked: Those that must be there.
    """

    def __init__(self, asked: Iterable[str]) -> None:
        self.missing = dict.fromkeys(asked)
        self.known: dict[str, None] = {}

    def add(self, name: str) -> None:
        """Remember a name, if there are not too many."""
        self.missing.pop(name, None)
        if len(self.known) < MOST_NAMES:
            self.known[name] = None


class Known:
    """Remembers, in bounded memory, what names there are of each kind that is asked for.

    Args:
        choice: What is asked for.
    """

    def __init__(self, choice: Choice) -> None:
        self.agents = Names(choice.agents)
        self.labels = Names(choice.labels or ())
        self.values = {name: Names(values) for name, values in (choice.labels or {}).items()}
        self.runs = Names(() if choice.run is None else (choice.run,))
        self.begin_so: dict[str, None] = {}
        """The ids that begin as the one that is asked for: one more than a message lists."""
        self._asked = choice.run
        self.near = None if choice.run is None else choice.run[:LEAST_OF_ID]
        """How ids begin that may have been meant; `None` if none is asked for."""

    def add(self, record: Record) -> None:
        """Remember the names of a record."""
        self.agents.add(record.agent)
        for label, value in record.labels.items():
            self.add_label(label, value)
        if self.near is not None and record.run_id.startswith(self.near):
            self.add_run(record.run_id)

    def add_label(self, label: str, value: str) -> None:
        """Remember a value of a label."""
        self.labels.add(label)
        if (values := self.values.get(label)) is not None:
            values.add(value)

    def add_run(self, run_id: str) -> None:
        """Remember an id that begins as `near`."""
        self.runs.add(run_id)
        if self._begins_so(run_id) and len(self.begin_so) <= MOST_IDS:
            self.begin_so[run_id] = None

    @property
    def whole_id(self) -> str | None:
        """The id of the run that is meant by its beginning; `None` if it is asked for by its id, or cannot be told."""
        if not self.runs.missing or len(self.begin_so) != 1:
            return None
        return next(iter(self.begin_so))

    def _begins_so(self, run_id: str) -> bool:
        asked = self._asked
        return asked is not None and len(asked) >= LEAST_OF_ID and run_id.startswith(asked)


def unknown(sides: Sequence[Known]) -> str | None:
    """What to say of the first name that no record has, of any side; `None` if there is none."""
    for option, kind, names in _asked(sides):
        known = list(dict.fromkeys(name for each in names for name in each.known))
        for name in names[0].missing:
            if all(name in each.missing for each in names):
                return f'{option}{value_name(name)}: {missing(kind, name, known)}'
    for name in sides[0].runs.missing:
        if all(name in each.runs.missing for each in sides):
            known = [known for each in sides for known in each.runs.known]
            alike = [known for each in sides for known in each.begin_so]
            return f'--run {name}: {_which_run(name, known, alike)}'
    return None


def _which_run(name: str, known: Sequence[str], alike: Sequence[str]) -> str:
    if alike:
        more = ' and more' if len(alike) > MOST_IDS else ''
        return f'several runs begin so: {", ".join(map(short_name, alike[:MOST_IDS]))}{more}'
    if len(name) < LEAST_OF_ID:
        return f'no record is of this run. Write its id, or at least {LEAST_OF_ID} characters of its beginning'
    return f'no record is of this run.{_guess(name, known)}'


def missing(kind: str, name: str, known: Sequence[str], *, besides: Sequence[str] = ()) -> str:
    """That no record has a name, which one may have been meant, and which there are.

    Args:
        kind: What it is the name of.
        name: The name.
        known: Those that there are.
        besides: What may have been meant besides.
    """
    shown = ', '.join(short_name(value_name(each)) for each in sorted(known)[:MOST_TOLD])
    more = f' and {len(known) - MOST_TOLD:,} more' if len(known) > MOST_TOLD else ''
    there = f'The {kind}s are: {shown}{more}' if known else f'There are no {kind}s'
    return f'no record has this {kind}.{_guess(name, [*besides, *known])} {there}'


def _guess(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f' Did you mean {short_name(value_name(near[0]))}?' if near else ''


def _asked(sides: Sequence[Known]) -> Iterator[tuple[str, str, Sequence[Names]]]:
    yield '--agent ', 'agent', [each.agents for each in sides]
    yield '--label ', 'label', [each.labels for each in sides]
    for label in sides[0].values:
        yield f'--label {label}=', 'value', [each.values[label] for each in sides]

"""Which runs a report is of: those of some agents, labels, times or outcomes, or a single one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from streamtap._display.exits import in_sentence, value_name
from streamtap._display.moments import in_words, iso
from streamtap._records.failed import FAILED_RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from streamtap._records.records import RunRecord

FAILED = 'failed'
"""Stands for every outcome of a run that failed."""

_AGE = re.compile(r'([0-9]{1,6}(?:\.[0-9]{1,6})?)(s|m|h|d|w)', re.ASCII)

_SECONDS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400}

_TIME = re.compile(r'([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?')

_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)=(.*)', re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runs are chosen; what is empty or `None` chooses all. With a run comes all that it called.

    Args:
        agents: The agents whose runs are chosen, also those that other agents called; otherwise only runs that no other
            run called are.
        labels: Names of labels, and which values a run may have of each.
        since_ns: When the runs began at the earliest.
        until_ns: Before when they began.
        outcomes: How they ended; `failed` stands for several.
        run: The id of the only one, or how it begins: `Known.whole_id` says which is meant.
    """

    agents: Sequence[str] = ()
    labels: Mapping[str, Sequence[str]] | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    outcomes: Sequence[str] = ()
    run: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is chosen, so that all is reported."""
        return self == EVERYTHING

    @property
    def is_nested_too(self) -> bool:
        """Whether runs that other runs called can be chosen by themselves."""
        return bool(self.agents) or self.run is not None

    def takes(self, run: RunRecord) -> bool:
        """Whether this run is chosen."""
        return (
            (self.run == run.run_id if self.run is not None else self.is_nested_too or not run.nested)
            and (not self.agents or run.agent in self.agents)
            and all(run.labels.get(name) in values for name, values in (self.labels or {}).items())
            and (self.since_ns is None or run.started_ns >= self.since_ns)
            and (self.until_ns is None or run.started_ns < self.until_ns)
            and (not self.outcomes or run.outcome in self.ends())
        )

    def __str__(self) -> str:
        """What is chosen, as a line of a heading; empty for everything."""
        if self.is_everything:
            return ''
        what = 'runs' if self.run is None else f'run {in_sentence(self.run)}'
        whose = f' of {_any_of(self.agents)}' if self.agents else ''
        labels = [f'{name}={_any_of(values)}' for name, values in (self.labels or {}).items()]
        told = f' with {" and ".join(labels)}' if labels else ''
        ended = ''
        if self.outcomes:
            ended = ' that failed' if self.outcomes == (FAILED,) else f' that ended as {_any_of(self.outcomes)}'
        times = [
            f'{word} {in_words(time)}'
            for word, time in (('since', self.since_ns), ('before', self.until_ns))
            if time is not None
        ]
        began = f'{"," if ended else ""} begun {" and ".join(times)}' if times else ''
        called = 'and all that they called' if self.run is None else 'and all that it called'
        return f'only {what}{whose}{told}{ended}{began}, {called}'

    @property
    def data(self) -> Mapping[str, object]:
        """As the fields of an object: what was asked for."""
        given = {
            'agents': list(self.agents),
            'labels': {name: list(values) for name, values in (self.labels or {}).items()},
            'since': None if self.since_ns is None else iso(self.since_ns),
            'until': None if self.until_ns is None else iso(self.until_ns),
            'outcomes': list(self.outcomes),
            'run': self.run,
        }
        return {name: value for name, value in given.items() if value}

    def ends(self) -> Sequence[str]:
        """How the runs ended: each outcome that is meant."""
        return (*self.outcomes, *FAILED_RUNS) if FAILED in self.outcomes else self.outcomes


EVERYTHING = Choice()


def parse_labels(texts: Sequence[str]) -> Mapping[str, Sequence[str]] | None:
    """The labels that some texts say, such as `tenant=acme`; of the same name, either value is meant.

    Raises:
        ValueError: If one says none.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        if (written := _LABEL.fullmatch(text)) is None:
            raise ValueError(f'--label {text}: write the name of a label and its value, such as tenant=acme')
        found[written[1]] = (*found.get(written[1], ()), written[2])
    return found or None


def parse_when(option: Literal['--since', '--until'], text: str, now_ns: int) -> int:
    """The time that a text says, in nanoseconds since the Unix epoch.

    Args:
        option: What it is of: a date is its first moment for `--since`, and its last for `--until`.
        text: An age, such as `2h`, or a date or a time in the form of ISO 8601, which is UTC unless it says otherwise.
        now_ns: The time now.

    Raises:
        ValueError: If it says none. The message says what to write.
    """
    if (age := _AGE.fullmatch(text)) is not None:
        return max(0, now_ns - round(float(age[1]) * _SECONDS[age[2]] * 1e9))
    try:
        if (written := _TIME.fullmatch(text)) is None:
            raise ValueError
        day, clock, seconds, zone = written.groups()
        zone = '+00:00' if zone in (None, 'Z') else zone
        found = datetime.fromisoformat(f'{day}T{clock or "00:00"}{seconds or ":00"}{zone}')
        if clock is None and option == '--until':
            found += timedelta(days=1)
        return max(0, round((found - datetime(1970, 1, 1, tzinfo=timezone.utc)) / timedelta(microseconds=1)) * 1000)
    except (ValueError, OverflowError):
        raise ValueError(
            f'{option} {text}: write an age such as 30m, 2h or 7d, a date such as 2026-11-30, '
            'or a time such as 2026-11-30T09:30, which is UTC unless it ends like +02:00'
        ) from None


def _any_of(names: Sequence[str]) -> str:
    return ' or '.join(in_sentence(value_name(name)) for name in names)

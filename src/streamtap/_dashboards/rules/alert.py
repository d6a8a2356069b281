"""One alert, and where it leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streamtap._dashboards.grafana.board import uid_of

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

Severity = Literal['critical', 'warning', 'info']

CHOSEN = {'job': 'job', 'instance': 'instance', 'agent': 'agent', 'root_agent': 'agent'} | {
    label: label for label in ('provider', 'model', 'tool')
}
"""For each label of an alert that boards know, the variable that it chooses."""


@dataclass(frozen=True)
class Alert:
    """One alert.

    Args:
        name: Its name, and the heading of its runbook.
        expr: When it is true.
        pending: For how long that must last, in Prometheus's notation.
        severity: `critical` (get up), `warning` (today) or `info` (sometime).
        board: The board that shows it.
        about: The labels that it has, besides those that are kept everywhere.
        summary: What happens and to whom, in one line.
        description: What that means.
    """

    name: str
    expr: str
    pending: str
    severity: Severity
    board: str
    about: tuple[str, ...]
    summary: str
    description: str

    def annotations(self, config: Config) -> dict[str, str]:
        """What is told with it.

        Args:
            config: Where runbooks and boards are.
        """
        return {
            'summary': self.summary,
            'description': self.description,
            'runbook_url': f'{config.runbooks}#{self.name.lower()}',
            'dashboard_url': self._board(config),
        }

    def _board(self, config: Config) -> str:
        labels = [label for label in (*config.keep, *self.about) if label in CHOSEN]
        # A label that is not there, as where all agents together are meant, chooses nothing.
        chosen = ''.join(
            f'{{{{ with $labels.{label} }}}}&var-{CHOSEN[label]}={{{{ . | urlquery }}}}{{{{ end }}}}'
            for label in labels
        )
        return f'{config.grafana.rstrip("/")}/d/{uid_of(self.board)}?from=now-1h&to=now{chosen}'


@dataclass(frozen=True)
class Alerts:
    """A group of alerts.

    Args:
        interval: How often they are evaluated.
        rules: The alerts.
    """

    interval: str
    rules: tuple[Alert, ...]


def percent(of: str) -> str:
    """What a summary says of a share.

    Args:
        of: What follows it.
    """
    return f'{{{{ $value | humanizePercentage }}}} of {of}'


def label(name: str) -> str:
    """What a summary says of a label.

    Args:
        name: The label.
    """
    return f'{{{{ $labels.{name} }}}}'

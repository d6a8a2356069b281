"""All that an export has besides files that are only copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.boards import grafana_files
from streamtap._dashboards.kubernetes import kubernetes_files
from streamtap._dashboards.logfire.boards import logfire_files
from streamtap._dashboards.rules.groups import rule_files
from streamtap._dashboards.settings import FILE, settings_text

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

_YAML_HEAD = (
    f'# Written by `streamtap dashboards export` from {FILE}: what is changed here is lost with the next export.\n'
)


def generated(config: Config) -> dict[str, str]:
    """The text of every file, by its path in an export.

    Args:
        config: What rules and alerts call bad, and where everything is.

    Raises:
        ValueError: If a board or a rule asks for a metric that the catalogue does not have, or if a threshold is no bound
            of its histogram.
    """
    files = {**grafana_files(config), **rule_files(config), **kubernetes_files(config), **logfire_files()}
    headed = {path: _YAML_HEAD + text if path.endswith('.yaml') else text for path, text in files.items()}
    return {FILE: settings_text(config), **headed}

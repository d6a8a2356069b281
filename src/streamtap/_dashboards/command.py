"""`streamtap dashboards`: its arguments, and what it does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from streamtap._dashboards.config import Config


def add_export_arguments(export: argparse.ArgumentParser) -> None:
    """Declare the arguments of `streamtap dashboards export`.

    Args:
        export: Its parser.
    """
    export.add_argument('folder', metavar='DIR', type=Path, help='a folder that is new or empty')
    export.add_argument(
        '--config',
        metavar='FILE',
        type=Path,
        help='settings in TOML, such as the streamtap.toml of an earlier export: thresholds, windows, what counts as bad',
    )
    export.add_argument(
        '--label', action='append', default=[], metavar='NAME', help='a label of your own, as in Tap(labels=...)'
    )
    export.add_argument('--runbooks', metavar='URL', help='where your people read runbooks.md; alerts link to it')
    export.add_argument('--grafana', metavar='URL', help='the URL of your Grafana; alerts link to its boards')
    export.add_argument('--datasource', metavar='UID', help='the data source in Grafana that boards begin with')
    export.add_argument('--namespace', metavar='NAME', help='the namespace of the files for Kubernetes')


def export(arguments: argparse.Namespace) -> str:
    """Write an export; returns what to tell.

    Args:
        arguments: Those of `add_export_arguments()`.

    Raises:
        OSError: If a file cannot be read or written.
        ValueError: If a setting cannot be one.
    """
    from streamtap._dashboards.export import export_dashboards

    folder: Path = arguments.folder
    export_dashboards(folder, _settings(arguments))
    return f'Written to {folder}: {folder / "README.md"} describes the files.'


def check(folder: Path) -> list[str]:
    """What is different in an export; nothing if it is as this release writes it from the same settings.

    Args:
        folder: The export.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If it is no export, or a setting cannot be one.
    """
    from streamtap._dashboards.check import differences
    from streamtap._dashboards.settings import FILE, read_settings

    if not (folder / FILE).exists():
        raise ValueError(
            f'{folder} is not an export, as it has no {FILE}: `streamtap dashboards export DIR` writes one'
        )
    return differences(folder, read_settings(folder / FILE))


def _settings(arguments: argparse.Namespace) -> Config:
    from streamtap._dashboards.config import CONFIG
    from streamtap._dashboards.settings import checked, read_settings

    config = CONFIG if arguments.config is None else read_settings(arguments.config)
    asked = {name: getattr(arguments, name) for name in ('runbooks', 'grafana', 'datasource', 'namespace')}
    given = {name: value for name, value in asked.items() if value is not None}
    if empty := [f'--{name}' for name, value in given.items() if not value]:
        raise ValueError(f'{empty[0]} is empty: give it a value, or leave it out')
    labels = {'labels': tuple(dict.fromkeys((*config.labels, *arguments.label)))}
    return checked(replace(config, **labels, **given))

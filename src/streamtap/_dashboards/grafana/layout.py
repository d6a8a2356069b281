"""Where panels are: left to right, row by row, on Grafana's 24 columns."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.panels import Json

COLUMNS = 24


class Layout:
    """Panels of one board, in the order they are read."""

    def __init__(self) -> None:
        self._panels: list[Json] = []
        self._ids = count(1)
        self._below = 0

    def line(self, height: int, *panels: Json) -> None:
        """Panels beside each other, as wide as there is room.

        Args:
            height: Grafana's units, of 38 pixels.
            panels: As many as divide the columns without a rest.

        Raises:
            ValueError: If they do not.
        """
        self._panels += self._placed(height, panels)

    def row(self, title: str) -> None:
        """A heading."""
        self._panels.append(self._heading(title))

    def folded(self, title: str, height: int, *panels: Json) -> None:
        """A heading whose panels are loaded when it is opened.

        Args:
            title: The heading.
            height: Of each panel.
            panels: Beside each other.
        """
        heading = self._heading(title)
        self._panels.append({**heading, 'collapsed': True, 'panels': self._placed(height, panels)})

    def panels(self) -> list[Json]:
        """All of them."""
        return self._panels

    def _heading(self, title: str) -> Json:
        place = {'x': 0, 'y': self._below, 'w': COLUMNS, 'h': 1}
        self._below += 1
        return {
            'type': 'row',
            'title': title,
            'id': next(self._ids),
            'collapsed': False,
            'panels': [],
            'gridPos': place,
        }

    def _placed(self, height: int, panels: tuple[Json, ...]) -> list[Json]:
        width, rest = divmod(COLUMNS, len(panels))
        if rest:
            raise ValueError(f'{len(panels)} panels do not fill {COLUMNS} columns')
        top = self._below
        self._below += height
        return [
            {**panel, 'id': next(self._ids), 'gridPos': {'x': place * width, 'y': top, 'w': width, 'h': height}}
            for place, panel in enumerate(panels)
        ]

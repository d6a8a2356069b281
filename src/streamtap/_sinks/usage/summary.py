"""The usage summary, which can be printed as tables."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from streamtap._base.public import claim
from streamtap._display.grid import Grid, tables_text
from streamtap._display.terminal import terminal_width
from streamtap._sinks.usage.figures import (
    AgentUsage,
    FailureUsage,
    LabelUsage,
    ModelUsage,
    RecentRun,
    RunsUsage,
    ToolUsage,
)
from streamtap._sinks.usage.notes import notes_of
from streamtap._sinks.usage.slowest_table import MOST_ROWS, slowest_grid
from streamtap._sinks.usage.tables import Groups, grids_of


class UsageSummary(BaseModel):
    """Everything measured so far: print it for tables, which fit a terminal, call `.model_dump_json()` for JSON.

    Printed, it has the slowest three of more runs, with the phases in which most of their time went; a report of a journal
    names the model or the tool.

    `recent_runs` are the last ones, nested runs included; `slowest_runs` are the slowest ten that users asked for, the slowest
    first.

    A notebook shows it as tables when it is the last line of a cell, and keeps them in its file.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    total: RunsUsage
    agents: tuple[AgentUsage, ...] = ()
    models: tuple[ModelUsage, ...] = ()
    tools: tuple[ToolUsage, ...] = ()
    labels: tuple[LabelUsage, ...] = ()
    failures: tuple[FailureUsage, ...] = ()
    recent_runs: tuple[RecentRun, ...] = ()
    slowest_runs: tuple[RecentRun, ...] = ()

    def __str__(self) -> str:
        """The summary as tables.

        If stdout is a terminal, they fit its width, and a line says which columns are left out; otherwise they have all.
        """
        return tables_text(self._printed(), self.notes(), terminal_width())

    def _repr_html_(self) -> str:
        """The summary as tables, for a notebook."""
        # Imported only where a notebook asks.
        from streamtap._display.elements import element, notebook_text, table

        return notebook_text(*map(table, self._printed()), *(element('p', note) for note in self.notes()))

    def grids(self) -> list[Grid]:
        """The summary as tables: agents with their total, then labels, models, tools and what else there is."""
        return grids_of(self._groups)

    def notes(self, grids: Sequence[Grid] | None = None, *, called: int = 0) -> list[str]:
        """What is missing or may be too low, and why, a sentence for each reason; none is of something that is not shown.

        Args:
            grids: The tables that they stand below. Default: all of the summary.
            called: How many of the runs another run called, so that nobody saw a blank screen of them.
        """
        return notes_of(self._groups, self.grids() if grids is None else grids, called)

    def _printed(self) -> list[Grid]:
        if self.total.runs <= MOST_ROWS or not self.slowest_runs:
            return self.grids()
        # The time of a tool that calls an agent is in the called run, whose phases are its own.
        tools = 'tools and called runs' if self.total.nested_runs else 'tools'
        return [*self.grids(), slowest_grid(self.slowest_runs, tools)]

    @property
    def _groups(self) -> Groups:
        return Groups(self.total, self.agents, self.models, self.tools, self.labels, self.failures)


# A summary may be the first that imports this.
claim('streamtap', ['UsageSummary'], globals())

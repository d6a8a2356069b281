"""The doors of the tap, once for all tests: what holds at several of them is tried at each of such a list.

How the tap is attached at a door, and what is done with the run, are lists of those who can do that: `ATTACHMENTS` in
`interrupted_runs.py`, `WAYS` in `callers_view.py`, `PLACES` in `durable_agents.py`, `WAYS` in `soak/ways.py`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Door: TypeAlias = Literal['handler', 'capability', 'watch']

DOORS: tuple[Door, ...] = ('handler', 'capability', 'watch')
"""Each of them."""

HANDLER_AND_CAPABILITY: tuple[Door, ...] = ('handler', 'capability')
"""Those that Pydantic AI itself calls; the watch door is put around what a run shows."""

ALONE_AND_TOGETHER = (*HANDLER_AND_CAPABILITY, 'both')
"""Those, and both on one run, which is counted once."""

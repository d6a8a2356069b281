"""What rich draws: the live display of the progress."""

from __future__ import annotations

import io

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from rich.console import Console

import streamtap

drawn = io.StringIO()
progress = streamtap.Progress()
tap = streamtap.Tap([progress])
with progress.display(console=Console(file=drawn, force_terminal=True)):
    Agent(TestModel(), name='greeter', capabilities=[tap.capability()]).run_sync('hello')
    tap.close()
assert 'greeter' in drawn.getvalue()

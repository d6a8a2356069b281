"""What starting costs: the import beside pydantic_ai's own, and the first run; each in processes of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# The garbage of pydantic_ai's import is 70 ms to look through, and is not to fall on whoever comes by.
IMPORT = """
import gc, time
gc.disable()
began = time.process_time()
import pydantic_ai
started = time.process_time()
from streamtap import Tap
print((time.process_time() - started) * 1e3, (started - began) * 1e3)
"""

FIRST_USE = """
import asyncio, time
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from streamtap import Tap
started = time.process_time()
handler = {handler}
made = time.process_time()
agent = Agent(TestModel())
asyncio.run(agent.run('hello', event_stream_handler=handler))
print((time.process_time() - made) * 1e3, (made - started) * 1e3)
"""

DRAINING = """
async def drain(ctx, events):
    async for _ in events:
        pass
"""


def startup(rounds: int) -> dict[str, float]:
    """Medians in milliseconds of CPU: the import, making a tap, and what it adds to the first run of a process."""
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, 'PYTHONPYCACHEPREFIX': str(Path(compiled))}
        environment.pop('PYTHONDONTWRITEBYTECODE', None)

        def measured(program: str) -> list[float]:
            done = subprocess.run(
                [sys.executable, '-c', program], env=environment, capture_output=True, text=True, check=True
            )
            return [float(number) for number in done.stdout.split()]

        drain = f'{DRAINING}\n' + FIRST_USE.format(handler='drain')
        tapped = FIRST_USE.format(handler='Tap()')
        for program in (IMPORT, drain, tapped):
            measured(program)
        imports: list[float] = []
        theirs: list[float] = []
        made: list[float] = []
        first: list[float] = []
        for _ in range(rounds):
            added, alone = measured(IMPORT)
            imports.append(added)
            theirs.append(alone)
            (without, _), (with_tap, making) = measured(drain), measured(tapped)
            first.append(with_tap - without)
            made.append(making)
    return {
        'import pydantic_ai': statistics.median(theirs),
        'from streamtap import Tap, over it': statistics.median(imports),
        'the same, least': min(imports),
        'Tap()': statistics.median(made),
        'first run, over a no-op handler': statistics.median(first),
    }

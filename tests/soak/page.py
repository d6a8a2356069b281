"""`python -m soak.page`: a live view that is open for long while runs go by; what both sides hold must stay the same."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Any

from soak.judge import at_least, at_most, exactly, table
from soak.memory import MIB
from support.browser import chromium, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

    from soak.judge import Row

EVERY = 15.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was held at one moment, after the garbage of both sides was collected.

    Args:
        runs: The runs so far.
        process: Bytes that the process with the agents and the server has allocated.
        heap: Bytes of the page's own objects.
        nodes: Its elements and texts.
        listeners: Its listeners of events.
        shown: The runs that it shows.
        state: What it says of its connection.
    """

    runs: int
    process: int
    heap: int
    nodes: int
    listeners: int
    shown: int
    state: str


class Watched:
    """A process that serves a live view, and a page that shows it.

    Args:
        served: The process.
        page: The page.
    """

    def __init__(self, served: subprocess.Popen[str], page: Page) -> None:
        self._served = served
        self._page = page
        # Chromium's own tools, whose answers playwright does not type.
        self._tools: Any = page.context.new_cdp_session(page)
        self._tools.send('Performance.enable')

    def look(self) -> Look:
        """What both hold now."""
        assert self._served.stdin is not None
        assert self._served.stdout is not None
        self._served.stdin.write('\n')
        self._served.stdin.flush()
        told: dict[str, int] = json.loads(self._served.stdout.readline())
        self._tools.send('HeapProfiler.collectGarbage')
        found = self._tools.send('Performance.getMetrics')
        of: dict[str, int] = {metric['name']: int(metric['value']) for metric in found['metrics']}
        return Look(
            runs=told['runs'],
            process=told['in_use'],
            heap=of['JSHeapUsedSize'],
            nodes=of['Nodes'],
            listeners=of['JSEventListeners'],
            shown=self._page.locator('.run').count(),
            state=self._page.locator('#state').inner_text(),
        )


def judge(looks: Sequence[Look]) -> list[Row]:
    """What the last quarter of the time holds more than the second one: in the first, what is kept fills up."""
    quarter = len(looks) // 4
    early, late = looks[quarter : 2 * quarter], looks[-quarter:]

    def more(name: str) -> float:
        return mean(getattr(look, name) for look in late) - mean(getattr(look, name) for look in early)

    return [
        at_least('runs gone by', 1000, looks[-1].runs),
        at_most("more of the page's own memory", 1.0, more('heap') / MIB, ' MiB'),
        at_most('more elements and texts', mean(look.nodes for look in early) * 0.1, more('nodes')),
        at_most('more listeners', 20, more('listeners')),
        at_most('more memory of the tapped process', 2.0, more('process') / MIB, ' MiB'),
        exactly('looks at which the page was not live', 0, sum(look.state != 'live' for look in looks)),
        exactly('looks after the first at which it showed no runs', 0, sum(not look.shown for look in looks[1:])),
    ]


def main() -> int:
    """Watch, and print what was held, then the verdict."""
    parser = argparse.ArgumentParser(prog='python -m soak.page', description=__doc__)
    parser.add_argument('--minutes', type=float, default=120.0, help='how long the page stays open')
    parser.add_argument('--rate', type=int, default=20, help='runs a second')
    options = parser.parse_args()
    program = shutil.which('chromium')
    if program is None:
        parser.error('there is no Chromium: `make servers` gives it, on Debian')
    command = [sys.executable, '-m', 'soak.served', '--rate', str(options.rate)]
    looks: list[Look] = []
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as served,
        chromium(program) as browser,
    ):
        assert served.stdin is not None
        assert served.stdout is not None
        with opened(browser, served.stdout.readline().strip()) as page:
            watched = Watched(served, page)
            end = time.monotonic() + options.minutes * 60
            while time.monotonic() < end:
                page.wait_for_timeout(EVERY * 1000)
                looks.append(watched.look())
                print(looks[-1], flush=True)
        served.stdin.close()
    rows = judge(looks)
    print(table(rows))
    return 1 if any(row.faults for row in rows) else 0


if __name__ == '__main__':
    sys.exit(main())

"""Draw docs/images/report.png: the page of `streamtap report`, of some time of the demo's agents.

Run it from the repository: `python docs/report_picture.py`. It needs Chromium.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path

from streamtap import JournalSink, Tap
from streamtap._cli import main as streamtap
from streamtap._demo.fault import Fault
from streamtap._demo.run import drive
from streamtap._demo.scenario import fake_loads

PICTURE = Path(__file__).parent / 'images' / 'report.png'
SECONDS = 90.0
SIZE = '1280,1100'


def main() -> None:
    """Run the demo's agents with a journal, and take a picture of its report."""
    with tempfile.TemporaryDirectory() as folder:
        journal, page = Path(folder) / 'runs.jsonl', Path(folder) / 'report.html'

        async def wait() -> None:
            await asyncio.Event().wait()

        def ignore(agent: str, error: Exception) -> None:
            """Some runs are meant to fail."""

        with Tap([JournalSink(journal)], stall_after=1.0) as tap:
            asyncio.run(drive(fake_loads(tap, Fault()), wait, ignore, seconds=SECONDS))
        streamtap(['report', str(journal), '--format', 'html', '-o', str(page)])
        page.write_text(page.read_text(encoding='utf-8').replace(str(journal), journal.name), encoding='utf-8')
        browser = ['chromium', '--headless', '--no-sandbox', '--hide-scrollbars', f'--window-size={SIZE}']
        subprocess.run(
            [*browser, f'--user-data-dir={folder}/profile', f'--screenshot={PICTURE}', page.as_uri()], check=True
        )


if __name__ == '__main__':
    main()

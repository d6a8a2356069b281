"""Draw docs/images/demo.svg, the README's picture: the real screen of `streamtap demo`, after some seconds of it.

Run it from the repository: `python docs/demo_picture.py`.
"""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path

from rich.console import Console

from streamtap._demo._fault import Fault
from streamtap._demo._run import FAKE_NOTE, drive, make_tap
from streamtap._demo._scenario import fake_loads
from streamtap._demo._screen import HEIGHT, WIDTH, Screen

PICTURE = Path(__file__).parent / 'images' / 'demo.svg'
SECONDS = 15.0
URL = 'http://127.0.0.1:9464/metrics'


def main() -> None:
    """Run the demo's agents and export the screen at a moment when a stream is stalled."""
    with make_tap() as tap:
        screen = Screen(tap, URL, FAKE_NOTE)
        console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO())

        async def draw() -> None:
            await asyncio.sleep(SECONDS)
            while True:
                await asyncio.sleep(0.05)
                if any(response.stalled for response in tap.live().responses):
                    return console.print(screen)

        asyncio.run(drive(fake_loads(tap, Fault()), draw, screen.failed))
    picture = console.export_svg(title='streamtap demo')
    # Without the font that rich would have fetched from the network, and without spaces at the ends of lines.
    picture = re.sub(r'@font-face\s*{.*?}\s*', '', picture, flags=re.DOTALL)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text('\n'.join(line.rstrip() for line in picture.splitlines()) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()

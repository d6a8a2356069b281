"""Draw docs/images/phoenix.png, Phoenix's page of one trace: `make phoenix-picture`, which needs Chromium."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from streamtap import OTelSpanSink, Tap
from support.delegating_agents import write_a_note
from support.paths import ROOT
from support.phoenix_server import Phoenix, phoenix
from support.real_servers import exporting_provider

PICTURE = ROOT / 'docs' / 'images' / 'phoenix.png'
PROJECT = 'streamtap'
FLAGS = (
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-first-run',
    '--hide-scrollbars',
    '--window-size=1400,900',
    '--virtual-time-budget=15000',
)


def main() -> None:
    """Run an agent, and photograph its trace with the first request chosen."""
    chromium = shutil.which('chromium')
    if chromium is None:
        sys.exit('chromium is missing: `apt-get install chromium` gives it')
    with tempfile.TemporaryDirectory() as folder, phoenix(Path(sys.argv[1]).absolute(), Path(folder)) as server:
        page = page_of_a_note(server)
        command = [chromium, *FLAGS, f'--user-data-dir={folder}/chromium', f'--screenshot={PICTURE}', page]
        subprocess.run(command, check=True, timeout=120, stderr=subprocess.DEVNULL)


def page_of_a_note(server: Phoenix) -> str:
    """The address of a new trace in Phoenix."""
    provider, here = exporting_provider(f'{server.url}/v1/traces', {'openinference.project.name': PROJECT})
    with Tap([OTelSpanSink(provider)]) as tap:
        write_a_note(tap, 'capability')
    provider.shutdown()
    spans = server.spans(PROJECT, len(here.get_finished_spans()))
    chat = next(span for span in spans if span['span_kind'] == 'LLM')
    project = server.get(f'projects/{PROJECT}')['id']
    trace = chat['context']['trace_id']
    return f'{server.url}/projects/{project}/traces/{trace}?selectedSpanNodeId={chat["id"]}'


if __name__ == '__main__':
    main()

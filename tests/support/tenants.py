"""A journal of runs of some tenants, a run of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._sinks.journal.lines import record_line
from support.made_records import full_response, run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def journal_of_tenants(folder: Path, tenants: Iterable[str]) -> str:
    """Write it, and return its path.

    Args:
        folder: Where to write it.
        tenants: The names of the tenants.
    """
    path = folder / 'j'
    records = [
        record
        for number, tenant in enumerate(tenants)
        for record in (
            full_response(run_id=f'r{number}', labels={'tenant': tenant}),
            run(run_id=f'r{number}', labels={'tenant': tenant}),
        )
    ]
    path.write_bytes(b''.join(map(record_line, records)))
    return str(path)

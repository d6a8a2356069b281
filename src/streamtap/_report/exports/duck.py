"""DuckDB, an extra: a database of one's own that reaches no network, and no files but those it is given."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from duckdb import DuckDBPyConnection

MEMORY = '1GB'
"""How much memory it may take before it writes to disk."""


@dataclass(frozen=True, slots=True)
class Duck:
    """A database.

    Args:
        connection: Its connection.
        error: What it raises.
        folder: Where it is, and what else is deleted with it can be; only this user can look into it.
    """

    connection: DuckDBPyConnection
    error: type[Exception]
    folder: Path


@contextmanager
def duck(*, readable: Sequence[Path] = ()) -> Generator[Duck]:
    """A database in a folder of its own, which is deleted with it.

    Args:
        readable: The files that it may read.

    Raises:
        ImportError: If DuckDB is not installed; the message names the extra.
    """
    try:
        import duckdb
    except ImportError:
        raise ImportError('this needs DuckDB: install the extra, streamtap[fleet]') from None
    with tempfile.TemporaryDirectory(prefix='streamtap-') as folder:
        connection = duckdb.connect(f'{folder}/records.duckdb')
        try:
            connection.execute(f"SET memory_limit = '{MEMORY}'")
            connection.execute(f"SET temp_directory = '{folder}/spilt'")
            for setting in ('autoinstall_known_extensions', 'autoload_known_extensions'):
                connection.execute(f'SET {setting} = false')
            connection.execute('SET allowed_paths = $paths', {'paths': [str(each) for each in readable]})
            connection.execute('SET enable_external_access = false')
            connection.execute('SET lock_configuration = true')
            yield Duck(connection, duckdb.Error, Path(folder))
        finally:
            connection.close()

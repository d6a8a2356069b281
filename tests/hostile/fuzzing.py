"""`python -m hostile.fuzzing FOLDER SECONDS`: coverage-guided fuzzing of the meter, in a process that atheris owns.

What reached something new is added to the folder as a file; a stream that fails is printed and written to `crash-*`.
"""

from __future__ import annotations

import sys

import atheris  # pyright: ignore[reportMissingImports, reportMissingModuleSource]

with atheris.instrument_imports(include=['streamtap']):  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    from hostile.coded import check


def main() -> None:
    """Fuzz until the time is over; libFuzzer ends the process by itself."""
    folder, seconds = sys.argv[1:]
    options = [f'-max_total_time={seconds}', '-max_len=600', '-print_final_stats=1', folder]
    atheris.Setup([sys.argv[0], *options], check)  # pyright: ignore[reportUnknownMemberType]
    atheris.Fuzz()  # pyright: ignore[reportUnknownMemberType]


if __name__ == '__main__':
    main()

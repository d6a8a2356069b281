"""`python -m hostile.fuzzing TARGET FOLDER SECONDS`: coverage-guided fuzzing, in a process that atheris owns.

The target is `meter`, or `journals` for their reader and reports.

What reached something new is added to the folder as a file; an input that fails is printed and written to `crash-*`.
"""

from __future__ import annotations

import sys

import atheris  # pyright: ignore[reportMissingImports, reportMissingModuleSource]

with atheris.instrument_imports(include=['streamtap']):  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    from hostile import coded, journals


def main() -> None:
    """Fuzz until the time is over; libFuzzer ends the process by itself."""
    target, folder, seconds = sys.argv[1:]
    check, longest = {'meter': (coded.check, 600), 'journals': (journals.check, 20_000)}[target]
    options = [f'-max_total_time={seconds}', f'-max_len={longest}', '-print_final_stats=1', folder]
    atheris.Setup([sys.argv[0], *options], check)  # pyright: ignore[reportUnknownMemberType]
    atheris.Fuzz()  # pyright: ignore[reportUnknownMemberType]


if __name__ == '__main__':
    main()

"""The page with the long tables of how true the numbers are: several commands write it, each its own part."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from support.paths import ROOT

PAGE = ROOT / 'docs' / 'accuracy-tables.md'

Command: TypeAlias = Literal[
    'answers',
    'answers ANSWERS=--intervals',
    'real-servers',
    "real-servers REAL_SERVERS='--target litellm'",
    "real-servers REAL_SERVERS='--target vllm'",
]

COMMANDS: tuple[Command, ...] = get_args(Command)
"""The commands that write a section at the end of the page, in the order of their sections."""


def read_section(text: str, command: Command) -> str:
    """The section of a command as a page has it, empty if it has none.

    Args:
        text: The page.
        command: Whose section.
    """
    began, ended = _marks(command)
    return text.partition(began)[2].partition(ended)[0].strip()


def with_section(text: str, command: Command, section: str) -> str:
    """The page with the section of a command in place of the one that it has.

    Args:
        text: The page.
        command: Whose section.
        section: The section; empty for none.
    """
    sections: dict[Command, str] = {each: read_section(text, each) for each in COMMANDS}
    sections[command] = section
    for each in COMMANDS:
        text = text.partition(_marks(each)[0])[0]
    return with_sections(text, sections)


def with_sections(text: str, sections: dict[Command, str]) -> str:
    """What is written first, and the sections of the other commands after it.

    Args:
        text: The page without sections.
        sections: The sections by command; empty for none.
    """
    found = [text.rstrip()]
    for command in COMMANDS:
        if section := sections.get(command, '').strip():
            began, ended = _marks(command)
            found.append(f'{began}\n\n{section}\n\n{ended}')
    return '\n\n'.join(found) + '\n'


def _marks(command: Command) -> tuple[str, str]:
    """The lines around the section of a command."""
    return (
        f'<!-- Written by `make {command}`: run it again after a change. -->',
        f'<!-- The end of what `make {command}` writes. -->',
    )

"""The page of the examples: what each shows and its code, so that the search of the site finds it."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / 'examples'

HEAD = """# Examples

<!-- Written by docs/example_pages.py from examples/: change an example, then run `make docs`. -->

"""

ROW = re.compile(r'^\| \[[^]]+\]\(([^)]+)\) \| (.+) \|$', re.MULTILINE)


def page() -> str:
    """The page, in the order of the list."""
    listed = (EXAMPLES / 'README.md').read_text(encoding='utf-8')
    how_to_run = listed.partition('\n\n')[2].partition('\n\n')[0]
    sections = [_section(EXAMPLES / path, shows) for path, shows in ROW.findall(listed)]
    return HEAD + '\n\n'.join([how_to_run, *sections]) + '\n'


def _section(path: Path, shows: str) -> str:
    """An example, with the other files of its folder if it has one."""
    in_folder = path.parent != EXAMPLES
    others = sorted(set(path.parent.glob('*.py')) - {path}) if in_folder else []
    heading = f'## {path.parent.name if in_folder else path.stem}'
    parts = [heading, f'`{path.relative_to(EXAMPLES.parent).as_posix()}`: {shows}.', *_parts(path)]
    for other in others:
        parts += [f'`{other.relative_to(EXAMPLES.parent).as_posix()}`:', *_parts(other)]
    return '\n\n'.join(parts)


def _parts(path: Path) -> list[str]:
    """The texts and the code of a file, in turn."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.ipynb':
        cells = [(cell['cell_type'], ''.join(cell['source'])) for cell in json.loads(text)['cells']]
        return [_code(source) if kind == 'code' else re.sub('^# (.+)', r'\1.', source) for kind, source in cells]
    docstring = ast.parse(text).body[0]
    assert isinstance(docstring, ast.Expr)
    assert isinstance(docstring.value, ast.Constant)
    code = '\n'.join(text.splitlines()[docstring.end_lineno :])
    return [inspect.cleandoc(str(docstring.value.value)), _code(code)]


def _code(text: str) -> str:
    # Not `python`: the examples have tests of their own.
    return f'```py\n{text.strip()}\n```'

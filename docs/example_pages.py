"""The list of the examples, and their code in the guides, so that the search of the site finds each in its place."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

DOCS = Path(__file__).parent
EXAMPLES = DOCS.parent / 'examples'

NOTE = '<!-- Written by docs/example_pages.py from examples/README.md: change that, then run `make docs`. -->'
BEGIN = '<!-- example {}: written by docs/example_pages.py, run `make docs` -->'
END = '<!-- end of the example -->'

MARKED = re.compile(rf'{re.escape(BEGIN).replace(re.escape("{}"), "([^:]+)")}.*?{re.escape(END)}', re.DOTALL)
HEADING = re.compile(r'^#+ (.+)$', re.MULTILINE)
ROW = re.compile(r'^\| \[([^]]+)\]\(([^)]+)\) \| (.+) \|$', re.MULTILINE)


def page() -> str:
    """The list, with a link to the page on which each example is shown."""
    shown = shown_on()
    listed = (EXAMPLES / 'README.md').read_text(encoding='utf-8')
    title, rest = listed.split('\n\n', 1)
    return f'{title}\n\n{NOTE}\n\n' + ROW.sub(lambda row: f'| [{row[1]}]({shown[row[2]]}) | {row[3]} |', rest)


def filled(text: str) -> str:
    """A page with the examples that its marks name, as they are today.

    Args:
        text: The page.
    """
    return MARKED.sub(lambda mark: f'{BEGIN.format(mark[1])}\n\n{_example(mark[1])}\n\n{END}', text)


def pages() -> list[Path]:
    """The pages that show examples."""
    return [page for page in sorted(DOCS.rglob('*.md')) if MARKED.search(page.read_text(encoding='utf-8'))]


def shown_on() -> dict[str, str]:
    """Where each example is shown: the page and the heading, by its path in `examples/`."""
    found: dict[str, str] = {}
    for each in pages():
        text = each.read_text(encoding='utf-8')
        for mark in MARKED.finditer(text):
            heading = HEADING.findall(text[: mark.start()])[-1]
            found[mark[1]] = f'{each.relative_to(DOCS).as_posix()}#{_slug(heading)}'
    return found


def _slug(heading: str) -> str:
    """The anchor that the site gives a heading."""
    return re.sub(r'[-\s]+', '-', re.sub(r'[^\w\s-]', '', heading).strip().lower())


def _example(name: str) -> str:
    """An example, with the other files of its folder if it has one."""
    path = EXAMPLES / name
    others = sorted(set(path.parent.glob('*.py')) - {path}) if path.parent != EXAMPLES else []
    return '\n\n'.join(part for each in (path, *others) for part in (_named(each), *_parts(each)))


def _named(path: Path) -> str:
    return f'`{path.relative_to(EXAMPLES.parent).as_posix()}`:'


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

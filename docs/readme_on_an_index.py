"""The README as a package index shows it, where paths of the repository lead nowhere; hatchling asks for it.

With `Repository` among the project's URLs, links and pictures lead there. As long as there is none, a link is its text,
and a picture what it shows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r'!\[([^]]+)\]\((?!https?:)([^)]+)\)')
LINK = re.compile(r'(?<!!)\[([^]]+)\]\((?!https?:)([^)]+)\)')
COMMENT = re.compile(r'<!--.*?-->\n\n', re.DOTALL)

WITHOUT_LINKS = '\nThe pages that this text names are in the folder `docs` of the source archive.\n'


class ReadmeOnAnIndex(MetadataHookInterface):
    """Puts the README into the metadata of the package."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the project's `readme`."""
        text = (Path(self.root) / 'README.md').read_text(encoding='utf-8')
        shown = on_an_index(text, metadata.get('urls', {}).get('Repository'))
        metadata['readme'] = {'content-type': 'text/markdown', 'text': shown}


def on_an_index(text: str, repository: str | None) -> str:
    """The README without paths.

    Args:
        text: The README as it is in a clone.
        repository: Where the clone comes from, as `https://github.com/OWNER/NAME`; `None` if that is nowhere yet.
    """
    text = COMMENT.sub('', text)
    if repository is None:
        return LINK.sub(r'\1', PICTURE.sub(r'*Picture: \1.*', text)) + WITHOUT_LINKS
    text = PICTURE.sub(rf'![\1]({repository}/raw/HEAD/\2)', text)
    return LINK.sub(rf'[\1]({repository}/blob/HEAD/\2)', text)

"""The page of the accuracy has two authors: the truth, and the real servers."""

from __future__ import annotations

from truth.page import REAL_SERVERS, with_real_servers


def test_the_section_about_real_servers_is_replaced_and_the_rest_kept():
    """Each command writes its own part; without a section there are no lines around it."""
    began, ended = REAL_SERVERS
    once = with_real_servers('# Page\n', '## Servers\n\nold\n')
    assert once == f'# Page\n\n{began}\n\n## Servers\n\nold\n\n{ended}\n'
    assert with_real_servers(once, '## Servers\n\nnew\n') == once.replace('old', 'new')
    assert with_real_servers('# Page\n', '') == '# Page\n'

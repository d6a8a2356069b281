"""The page of the accuracy has several authors: the truth, the answers and the real servers, each by itself."""

from __future__ import annotations

from support.accuracy_page import read_section, with_section, with_sections


def test_a_section_is_replaced_and_the_rest_kept():
    """Each command writes its own part; without a section there are no lines around it."""
    text = with_sections('# Page\n', {'real-servers': '## Servers\n\nold\n'})
    assert read_section(text, 'real-servers') == '## Servers\n\nold'
    assert with_section(text, 'real-servers', '## Servers\n\nnew\n') == text.replace('old', 'new')
    assert with_section(text, 'real-servers', '') == '# Page\n'


def test_sections_stand_in_their_order_whoever_wrote_first():
    """And each can be written anew without the other."""
    servers_first = with_section(with_section('# Page\n', 'real-servers', '## Servers'), 'answers', '## Answers')
    assert servers_first == with_sections('# Page\n', {'answers': '## Answers', 'real-servers': '## Servers'})
    assert servers_first.index('## Answers') < servers_first.index('## Servers')
    assert with_section(servers_first, 'answers', '') == with_sections('# Page\n', {'real-servers': '## Servers'})


def test_one_server_does_not_delete_the_rows_of_another():
    """Each target of `make real-servers` has a section of its own."""
    of_litellm = "real-servers REAL_SERVERS='--target litellm'"
    both = with_section(with_section('# Page\n', of_litellm, '## LiteLLM'), 'real-servers', '## llama.cpp')
    assert both == with_sections('# Page\n', {'real-servers': '## llama.cpp', of_litellm: '## LiteLLM'})
    assert read_section(with_section(both, of_litellm, '## New'), 'real-servers') == '## llama.cpp'
    assert read_section(with_section(both, 'real-servers', '## New'), of_litellm) == '## LiteLLM'

"""Addresses of traces: which templates are taken, and what becomes of an id."""

from __future__ import annotations

import pytest

from streamtap._display.trace_urls import check_trace_url, trace_url

ID = '0af7651916cd43dd8448eb211c80319c'


@pytest.mark.parametrize(
    'template',
    [
        'https://traces.example.com/trace/{trace_id}',
        'http://localhost:16686/trace/{trace_id}?uiFind=x#top',
        "https://logfire.example.com/me/project?q=trace_id%3D'{trace_id}'",
    ],
)
def test_an_id_is_put_into_a_template(template: str):
    """Wherever it stands behind the host."""
    check_trace_url('trace_url', template)
    assert trace_url(template, ID) == template.replace('{trace_id}', ID)


@pytest.mark.parametrize('trace_id', [None, '', 'javascript:alert(1)', '..', ID.upper(), f'{ID}\n', f'{ID}0'])
def test_what_is_no_id_makes_no_address(trace_id: str | None):
    """A journal can hold anything."""
    assert trace_url('https://traces.example.com/{trace_id}', trace_id) is None


@pytest.mark.parametrize(
    ('template', 'why'),
    [
        ('traces.example.com/{trace_id}', 'must begin with http:// or https:// and a host'),
        ('javascript:alert("{trace_id}")', 'must begin with http:// or https:// and a host'),
        ('file:///{trace_id}', 'must begin with http:// or https:// and a host'),
        ('https:///{trace_id}', 'must begin with http:// or https:// and a host'),
        ('https://[{trace_id}', 'is no address'),
        ('https://traces.example.com/', 'must have {trace_id} after its host'),
        ('https://traces.example.com/{id}', 'must have {trace_id} after its host'),
        ('https://{trace_id}.example.com/', 'must have {trace_id} after its host'),
        ('https://me:secret@traces.example.com/{trace_id}', 'has a user or a password, which everybody would read'),
    ],
)
def test_anything_else_is_refused_with_what_to_write(template: str, why: str):
    """Also what could lead elsewhere than to the host that is written there."""
    with pytest.raises(ValueError, match=f'^--trace-url {why}: write it like https://traces.example.com/trace/'):
        check_trace_url('--trace-url', template)


@pytest.mark.parametrize('part', [' ', '\n', '"', '<', '{id}', '\\', 'ä'])
def test_a_character_that_no_address_has_is_to_be_encoded(part: str):
    """It would end the address, or be taken for something else."""
    with pytest.raises(ValueError, match=r'^--trace-url has a character that no address has: write it as %20'):
        check_trace_url('--trace-url', f'https://traces.example.com/{part}{{trace_id}}')


def test_a_template_is_text():
    """What it is not is refused where it is given."""
    with pytest.raises(TypeError, match=r'^trace_url must be text, not int$'):
        check_trace_url('trace_url', 3)

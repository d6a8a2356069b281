"""Where a model's server is, by the URL that it has."""

from __future__ import annotations

from typing import Any

import pytest

from streamtap._upstream.servers import Server, server_at


@pytest.mark.parametrize(
    ('url', 'server'),
    [
        ('https://api.example.com/v1/', Server('api.example.com', 443)),
        ('http://127.0.0.1:8080/v1', Server('127.0.0.1', 8080)),
        ('http://[::1]/v1', Server('::1', 80)),
        ('https://user:secret@models.example.com:8443/?key=secret', Server('models.example.com', 8443)),
        ('wss://realtime.example.com', Server('realtime.example.com', 443)),
        ('other://models.example.com', Server('models.example.com', None)),
        ('https://tenant\u202e.example.com', Server('tenant\ufffd.example.com', 443)),
        ('https://example.com:port/', None),
        ('http://[broken', None),
        ('no url', None),
        ('https://' + 'a' * 3000, None),
        ('', None),
        (None, None),
        (object(), None),
    ],
)
def test_only_host_and_port_of_a_url_are_kept(url: Any, server: Server | None):
    """Neither a password, a key nor a path; the port of the scheme if it names none; and nothing of what is no URL."""
    assert server_at(url) == server

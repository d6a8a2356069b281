"""What a browser says of a request in `Sec-Fetch-...`: which page asked, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Resource = Literal['metrics', 'page', 'events', 'file']
"""What is asked for: the metrics, the page itself, its events, or one of its other files."""


def resource_of(path: str) -> Resource:
    """What a path of the live view is.

    Args:
        path: The path, below the place where the live view is mounted.
    """
    if path == '/metrics':
        return 'metrics'
    if path in {'', '/'}:
        return 'page'
    return 'events' if path == '/events' else 'file'


def always_metrics(_: str) -> Resource:
    """What a path is where there is no live view."""
    return 'metrics'


def is_foreign(environ: WSGIEnvironment, resource: Resource) -> bool:
    """Whether a page of another origin asked, or the page itself in a way that it never does.

    Another port of the same host is another origin. Clients that are no browsers say nothing, and neither do browsers
    over plain HTTP to another machine.

    Args:
        environ: The request.
        resource: What it asks for.
    """
    site, mode, kind = (environ.get(f'HTTP_SEC_FETCH_{name}', '').lower() for name in ('SITE', 'MODE', 'DEST'))
    if not site:
        return False
    if resource == 'events':
        return site != 'same-origin' or mode not in {'cors', 'same-origin'} or kind != 'empty'
    if site in {'same-origin', 'none'}:
        return False
    # A link that a person follows: the page with the link cannot read what opens.
    return resource == 'file' or mode != 'navigate' or kind != 'document'

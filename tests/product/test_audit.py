"""What `make audit` asks about the oldest packages that users may have, and what it makes of the answer."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import requires
from typing import Any

from support.paths import ROOT
from tools.audit import TOLD, oldest, untold


def test_the_oldest_of_each_package_is_asked_for():
    """Of those that the package needs and of the extras that users are told of, not of the tools of developers."""
    allowed = dict(each.split('==') for each in oldest(requires('streamtap') or ()))
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    bounds = re.findall(r"'([a-z0-9-]+)(?:\[[\w,]+\])?>=([\w.]+)'", project[project.index('dependencies = [') :])
    # The first one of each: developers and examples may need a newer one.
    declared = dict(reversed(bounds))
    assert allowed.keys() == {
        *('h11', 'logfire', 'opentelemetry-api', 'opentelemetry-exporter-otlp-proto-http', 'opentelemetry-sdk'),
        *('opentelemetry-distro', 'prometheus-client', 'pydantic-ai-slim', 'duckdb', 'pydantic-evals', 'rich', 'wrapt'),
    }
    assert allowed == {name: declared[name] for name in allowed}


def test_an_extra_is_only_asked_for_if_users_are_told_of_it():
    """And a bound is read from whichever requirement has one."""
    asked = ['one>=1,<3', 'one[more]', 'two>=2; extra == "otel"', 'three>=3; extra == "dev"', 'four; extra == "demo"']
    assert oldest(asked) == ['one==1', 'two==2']


def test_what_users_are_not_told_of_is_found():
    """By whichever of its names an advisory is known; that of another package is another one."""
    known = {'id': 'PYSEC-2026-1', 'aliases': ['GHSA-3gh4-cghq-f8v4'], 'fix_versions': ['2.27.1']}
    new = {'id': 'GHSA-new', 'aliases': ['CVE-2026-1'], 'fix_versions': []}
    packages: list[dict[str, Any]] = [
        {'name': 'pydantic-ai-slim', 'version': '2.26', 'vulns': [known, new]},
        {'name': 'rich', 'version': '13', 'vulns': [known]},
        {'name': 'logfire', 'version': '4.0', 'vulns': []},
    ]
    assert untold(packages) == [
        'pydantic-ai-slim 2.26: GHSA-new, fixed in none',
        'rich 13: PYSEC-2026-1, fixed in 2.27.1',
    ]


def test_users_are_told_of_what_the_audit_passes():
    """Each advisory has its row in the page about versions, and each row its advisory."""
    page = (ROOT / 'docs' / 'versions.md').read_text(encoding='utf-8')
    rows = re.findall(r'^\| \[(GHSA-[\w-]+)\]\(https://github\.com/advisories/(GHSA-[\w-]+)\) \|', page, re.MULTILINE)
    assert {name for name, _ in rows} == TOLD.keys()
    assert [name for name, linked in rows if name != linked] == []


def test_the_audit_runs_where_the_package_is_not_installed():
    """Its own environment has `pip-audit` and what that needs, and nothing of what is audited."""
    without = "import sys; sys.modules['streamtap'] = None; import tools.audit"
    subprocess.run([sys.executable, '-c', without], check=True, cwd=ROOT / 'tests')

"""Packages looked up among known vulnerabilities: `make audit`.

Those that the tap is developed and run with, those of the locks, then the oldest that it allows its users. Only where nobody answers is it
skipped, saying so. What is found is a failure, but for what the oldest versions are known to have and `docs/versions.md`
tells.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement

from support.extras import EXTRAS
from support.paths import ROOT
from tools.locks import LOCKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SERVICE = 'https://api.osv.dev'
"""Advisories, PyPI's among them. PyPI itself is not asked: of a mirror that does not know it passes all packages."""

TOLD = {
    'GHSA-3gh4-cghq-f8v4': 'pydantic-ai-slim',
    'GHSA-h4xc-3qfq-jf93': 'pydantic-ai-slim',
    'GHSA-q2xc-rrxj-58x9': 'pydantic-ai-slim',
    'GHSA-22h6-qm39-v87j': 'pydantic-ai-slim',
    'GHSA-4x9p-g9wm-8q7f': 'pydantic-ai-slim',
    'GHSA-fpf4-vwcp-v4hp': 'pydantic-ai-slim',
    'GHSA-vmxc-h2x2-jmf3': 'pydantic-ai-slim',
    'GHSA-v36g-jcw9-x7cw': 'pydantic-ai-slim',
    'GHSA-6fqq-452j-qhrp': 'pydantic-ai-slim',
}
"""What the oldest allowed versions have, and users are told of: of each advisory its package."""


def oldest(requirements: Iterable[str]) -> list[str]:
    """The oldest version of each dependency that users of the package may have, as pip takes it.

    Args:
        requirements: What the package requires, as its metadata say.
    """
    extras = [{'extra': extra} for extra in ('', *EXTRAS)]
    asked = [
        each for each in map(Requirement, requirements) if not each.marker or any(map(each.marker.evaluate, extras))
    ]
    bounds = {each.name: spec.version for each in asked for spec in each.specifier if spec.operator == '>='}
    return [f'{name}=={version}' for name, version in sorted(bounds.items())]


def untold(dependencies: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is known of the packages and users are not told of, a line each.

    Args:
        dependencies: Packages with what pip-audit found.
    """
    return [
        f'{package["name"]} {package["version"]}: {found["id"]}, fixed in {", ".join(found["fix_versions"]) or "none"}'
        for package in dependencies
        for found in package.get('vulns', ())
        if package['name'] not in {TOLD.get(name) for name in (found['id'], *found['aliases'])}
    ]


def main() -> int:
    """Audit the environment of the Python that is given, with the `pip-audit` beside the one that runs this."""
    try:
        urllib.request.urlopen(SERVICE, timeout=15).close()
    except urllib.error.HTTPError:
        pass  # It answers.
    except OSError as error:
        print(f'SKIPPED: no package was audited, as {SERVICE} cannot be reached ({error})')
        return 0
    service = ('--vulnerability-service=osv', f'--osv-url={SERVICE}/v1/query')
    audit = (sys.executable, '-m', 'pip_audit', *service, '--strict', '--disable-pip', '--no-deps')
    listing = (sys.argv[1], '-m', 'pip', 'list', '--format=freeze', '--exclude-editable')
    packages = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
    codes = [subprocess.run((*audit, '--requirement=/dev/stdin'), input=packages, check=False, text=True).returncode]
    codes += [subprocess.run((*audit, f'--requirement={ROOT / each.path}'), check=False).returncode for each in LOCKS]
    ask = 'import importlib.metadata as metadata, json; print(json.dumps(metadata.requires("streamtap")))'
    requires = subprocess.run((sys.argv[1], '-c', ask), check=True, capture_output=True, text=True).stdout
    allowed = oldest(json.loads(requires))
    command = (*audit, '--format=json', '--requirement=/dev/stdin')
    told = subprocess.run(command, input='\n'.join(allowed), check=False, stdout=subprocess.PIPE, text=True).stdout
    wrong = untold(json.loads(told)['dependencies'])
    print(
        f'The oldest allowed, {", ".join(allowed)}: {len(wrong)} that docs/versions.md does not tell', *wrong, sep='\n'
    )
    return 1 if wrong else max(codes)


if __name__ == '__main__':
    sys.exit(main())

"""The packages that the tap is developed and run with, looked up among known vulnerabilities: `make audit`.

Only where nobody answers is it skipped, saying so; what is found is a failure.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request

SERVICE = 'https://api.osv.dev'
"""Advisories, PyPI's among them. PyPI itself is not asked: of a mirror that does not know it passes all packages."""


def main() -> int:
    """Audit the environment of the Python that is given, with the `pip-audit` beside the one that runs this."""
    try:
        urllib.request.urlopen(SERVICE, timeout=15).close()
    except urllib.error.HTTPError:
        pass  # It answers.
    except OSError as error:
        print(f'SKIPPED: no package was audited, as {SERVICE} cannot be reached ({error})')
        return 0
    listing = (sys.argv[1], '-m', 'pip', 'list', '--format=freeze', '--exclude-editable')
    packages = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
    audit = (sys.executable, '-m', 'pip_audit', '--vulnerability-service=osv', '--strict', '--disable-pip', '--no-deps')
    return subprocess.run([*audit, '--requirement=/dev/stdin'], input=packages, check=False, text=True).returncode


if __name__ == '__main__':
    sys.exit(main())

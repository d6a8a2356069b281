"""`python -m streamtap`: the same as the command `streamtap`."""

import sys

from streamtap._cli import main

if __name__ == '__main__':
    sys.exit(main())

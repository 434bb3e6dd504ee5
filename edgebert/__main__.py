"""`python -m edgebert`."""

import sys

from edgebert.cli import main

if __name__ == "__main__":
    sys.exit(main())

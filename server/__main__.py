"""`python -m terway_mcp.server`."""

import sys

from terway_mcp.server.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""What a host runs from the bundle: the stdio server of the wheel that lies beside this file."""

import sys

from terway_mcp.server.cli import main

if __name__ == "__main__":
    sys.exit(main([]))

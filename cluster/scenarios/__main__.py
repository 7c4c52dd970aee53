"""`python -m terway_mcp.cluster.scenarios`: write the archives of all built-in demos."""

import sys

from .catalog import write_all

for path in write_all():
    sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")

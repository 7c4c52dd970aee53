"""Writes the picture in the README: a demo's incident as a host or a browser shows it (scripts/screenshot)."""

import sys
import tempfile
from pathlib import Path

from terway_mcp.server.picture.page import report_file
from tests.browser.chromium import installed, running
from tests.browser.told import told_of

PICTURE = Path(__file__).parents[2] / "docs" / "incident.png"
SCENARIO = "cni-not-initialized"
WIDTH, SCALE = 880, 1.5
MOST = 150_000
"""Bytes: it is part of every checkout."""


def main() -> int:
    """Take it in light colours, large enough for sharp screens, with the cause's evidence shown."""
    program = installed()
    if program is None:
        print("no Chromium on this machine; ./scripts/browser installs it with apt-get", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.html"
        file.write_text(report_file(told_of(SCENARIO), ""), "utf-8")
        with running(program, Path(folder) / "profile") as browser, browser.page() as page:
            page.sized(WIDTH, scale=SCALE)
            page.preferring("light")
            page.open(file)
            shot = page.picture("figure", margin=12)
    if len(shot) > MOST:
        print(f"{len(shot):,} bytes are more than {MOST:,}", file=sys.stderr)
        return 1
    PICTURE.write_bytes(shot)
    print(f"{PICTURE.name}: {len(shot):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())

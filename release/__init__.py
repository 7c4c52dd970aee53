"""What users install, built and tried out as they would: wheel, sdist and MCP bundle. `scripts/package` runs it."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


class Failed(Exception):  # noqa: N818 - reads as the state it reports
    """Something that a release needs, or that a user would do, did not work; the message says what."""

"""The picture of an incident: one page for MCP Apps and for report files."""

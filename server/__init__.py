"""The MCP application: assembly, order, investigations and the command line."""

__version__ = "0.1.0"

"""The least an MCP server of the SDK can be: one tool, over stdio. What a handshake costs is held against it."""

from mcp.server.mcpserver import MCPServer

server: MCPServer[None] = MCPServer("bare")


@server.tool()
def echo(text: str) -> str:
    """Give the text back."""
    return text


if __name__ == "__main__":
    server.run("stdio")

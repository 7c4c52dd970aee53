"""One module per tool: each reads facts and shapes one report."""

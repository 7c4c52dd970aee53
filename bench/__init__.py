"""What the product costs, measured side by side with what it is compared to. `scripts/bench` runs it."""

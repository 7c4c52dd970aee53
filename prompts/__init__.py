"""The SOP as text for a model, rendered from the step graph and the knowledge."""

"""A small Kubernetes API over a captured cluster, so that live and captured clusters share one client."""

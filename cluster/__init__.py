"""The only place that talks to Kubernetes, live or captured. GET only."""

"""Streamable HTTP for many callers: who may call, how often, and what operators see of it."""

"""Captured clusters made by code: the built-in demos and the corpus the tests run on."""

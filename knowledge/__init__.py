"""Terway facts as data (YAML), and the small code that matches them against what a cluster shows."""

"""The version of this code, which homes and reports are marked with."""

VERSION = "0.1.0"
"""Three whole numbers and dots; the same as in `pyproject.toml`."""

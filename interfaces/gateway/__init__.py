"""The one public door: Envoy, and the table of what it lets through to which service."""

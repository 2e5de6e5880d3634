"""The report of a replay that an auditor files: signed as JSON, and as PDF to be read."""

"""Marks the fields of events in which people write, so that they can be encrypted per person."""

WRITTEN_BY_PEOPLE = {"written_by_people": True}
"""Metadata of a dataclass field that holds free text."""

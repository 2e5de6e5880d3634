"""The reference of the events, for people and programs, written from the event classes."""

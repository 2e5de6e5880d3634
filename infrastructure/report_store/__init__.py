"""The read models in PostgreSQL, read and written."""

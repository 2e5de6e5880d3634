"""The read models over HTTP, a process of its own."""

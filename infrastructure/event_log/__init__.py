"""Reading the event store: in position order, by stream, and where a time falls."""

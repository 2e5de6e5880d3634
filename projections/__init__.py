"""What can be rebuilt from the events: one file a read model."""

"""Archives: sealed events as Parquet in object stores, and how events are read back from there."""

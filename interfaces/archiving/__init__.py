"""Archives: copies of sealed events in object stores, which prove themselves by the seals."""

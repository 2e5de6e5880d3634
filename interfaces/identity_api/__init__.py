"""The identity API: for now the public keys, and the documentation of all APIs."""

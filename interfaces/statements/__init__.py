"""Statements of a wallet in the forms that other people's programs read."""

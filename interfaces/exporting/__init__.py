"""The whole book of a ledger in the forms that other people's programs read."""

"""People, wallets and live traffic to look at, by the same HTTP that everybody uses."""

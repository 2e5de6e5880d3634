"""What every HTTP interface shares: problems, tokens, bodies, text, health, metrics, docs."""

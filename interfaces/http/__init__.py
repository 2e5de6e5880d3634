"""What the HTTP interfaces share: problems, bodies, tokens, health."""

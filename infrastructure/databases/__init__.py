"""The three databases: how they are made, how they grow, and how each login reaches them."""

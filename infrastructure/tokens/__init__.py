"""Access tokens: who signs them, which keys are known, and whom a token stands for."""

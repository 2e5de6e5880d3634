"""What keeps the system from starting, as one sentence with the remedy."""


class StartRefused(RuntimeError):
    """The system cannot start; the message is one sentence with the remedy."""

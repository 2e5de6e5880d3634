"""Who the demonstration is about, and the wallets that they get from their first day on."""

from dataclasses import dataclass

CURRENCY = "EUR"
PEOPLE = ("ada", "grace", "alan", "edsger", "barbara", "donald")
SHOPS = ("bakery", "bookshop")
PURPOSES = ("bread", "books", "dinner", "a bicycle", "rent", "flowers", "a train ticket", "coffee")
OPENING_CREDIT = "500.00"


@dataclass(frozen=True, slots=True)
class Member:
    """A person or shop of the demonstration with its wallet."""

    subject: str
    wallet_id: str


def subject(name: str) -> str:
    """Return the subject of a member's tokens."""
    return f"demo-{name}"

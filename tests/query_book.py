"""A small book with known people, for tests of what each of them sees."""

from dataclasses import dataclass

from domain.identifiers import WalletId
from tests.query_system import QuerySystem

ALICE, BOB, CAROL = "usr_alice", "usr_bob", "usr_carol"


@dataclass(frozen=True, slots=True)
class Book:
    """Alice has two wallets and pays Bob, who has one; Carol has one and nothing to do with them.

    The till is a system wallet, which is nobody's.
    """

    till: WalletId
    alice: WalletId
    savings: WalletId
    bob: WalletId
    carol: WalletId
    paid_in: str
    lunch: str
    saved: str
    declined: str


def write_book(system: QuerySystem) -> Book:
    """Write the book and let the read models follow."""
    writer = system.writer
    till = writer.open(kind="system", name="Till")
    alice = writer.open(owner=ALICE, name="Everyday", reference="DE-1")
    savings = writer.open(owner=ALICE, name="Savings", kind="shared")
    bob = writer.open(owner=BOB, name="Bob's", reference="DE-1")
    carol = writer.open(owner=CAROL, name="Carol's", currency="JPY")
    paid_in = writer.transfer(till, alice, 100_00)
    lunch = writer.transfer(
        alice, bob, 12_34, description="Lunch", reference="R-1", metadata={"order": "4711"}
    )
    saved = writer.transfer(alice, savings, 50_00)
    declined = writer.decline(alice, bob, 999_00, description="Too much", reference="R-2")
    writer.freeze(bob)
    writer.overdraft(savings, 500_00)
    system.follow()
    return Book(till, alice, savings, bob, carol, paid_in, lunch, saved, declined)

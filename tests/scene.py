"""A shared wallet and a shop between two processes, for races of what happens to payments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from application.commands import Command, Outcome, Submission
from domain.identifiers import PaymentId, WalletId, payment_id
from domain.instants import Instant
from domain.wallets import Caller
from tests.aftermath import Aftermath, aftermath, told
from tests.races import in_line
from tests.servers import FreshDatabases
from tests.store_steps import changes_of, new_wallet
from tests.written import Written

ANN, BEN, CLEO = (Caller(f"usr_{name}", "tests", operate=False) for name in ("ann", "ben", "cleo"))
SHOP = Caller("usr_shop", "tests", operate=False)
WORKER = Caller("payments", "tests", operate=True, system=True)
NEVER = Instant("2999-12-31T00:00:00.000000Z")


@dataclass
class Scene:
    """Two processes, a shared wallet of Ann's with 100, and the shop's empty one."""

    databases: FreshDatabases
    one: Written
    other: Written
    bank: WalletId
    home: WalletId
    shop: WalletId

    def done(self, command: Command, by: Caller) -> None:
        """Have a command done before the race."""
        assert told(self.one.one(self.one.asking(command, by))) == "done"

    def begun(self, work: Submission) -> PaymentId:
        """Begin a payment before the race and return its id."""
        assert told(self.one.one(work)) == "done"
        return payment_id(work.stream)

    def race(self, *works: Submission, first: int = 0) -> list[str]:
        """Let each process wait for Ann's wallet with one command; return what both callers hear.

        The lock goes to the command of the number `first`, then to the other one.
        """
        calls = [partial(self.one.one, works[0]), partial(self.other.one, works[1])]
        heard = in_line(self.databases, self.home, calls[::-1] if first else calls)
        return [told(outcome) for outcome in (heard[::-1] if first else heard)]

    def at_once(self, works: Sequence[Submission], batch: int) -> list[Outcome]:
        """Let each process execute its half, so many commands at a time."""
        halves = [works[0::2], works[1::2]]

        def run(writer: Written, half: Sequence[Submission]) -> list[Outcome]:
            batches = (half[at : at + batch] for at in range(0, len(half), batch))
            return [outcome for each in batches for outcome in writer.ledger.execute(each)]

        calls = [partial(run, w, h) for w, h in zip((self.one, self.other), halves, strict=True)]
        return [each for done in in_line(self.databases, self.home, calls) for each in done]

    def after(self) -> Aftermath:
        """Return what is stored now."""
        return aftermath(self.databases, self.one)

    def balances(self) -> tuple[int, int, int]:
        """Return posted and held of Ann's wallet, and posted of the shop's."""
        wallets = self.after().wallets
        return wallets[self.home].posted, wallets[self.home].held, wallets[self.shop].posted


def scene_on(databases: FreshDatabases, one: Written, other: Written) -> Scene:
    """Return a scene with wallets of its own."""
    bank, shop = one.open(overdraft_limit=None), one.open(by=SHOP)
    home = other.open(by=ANN, kind="shared")
    assert told(one.pay(bank, home, 100)) == "done"
    return Scene(databases, one, other, bank, home, shop)


def advance(writer: Written, to: Instant) -> None:
    """Store a wallet as of a later time, as after a fail-over to a server whose clock is ahead."""
    wallet, event = new_wallet()
    changes = changes_of(writer.store.load([], []), event, opened=[wallet])
    writer.store.commit(replace(changes, decided_at=to, valid_before=NEVER))

"""Two real command processes on one ledger, and requests that come to both at the same moment."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import psycopg

from domain.identifiers import WalletId, decode
from tests.aftermath import Aftermath, aftermath
from tests.command_api import PEOPLE, Caller, CommandApi, refused
from tests.races import Holder, in_background, in_line, until_waiting
from tests.servers import FreshDatabases
from tests.simulation.purses import HELD, POSTED
from tests.written import Written

HEAD = "SELECT posted, held FROM wallet_head WHERE id = %s"
MOVED = """
    SELECT topic, (convert_from(state, 'UTF8')::json ->> 'amount')::bigint FROM events
    WHERE originator_id = %s AND topic LIKE 'wallet.%%'"""

Ask = Callable[[int], httpx.Response]
"""Sends a request to one of the processes, by its number."""

Heard = tuple[str, ...]
"""What each caller hears: `done` or the code of a problem."""

Money = tuple[int, int, int]
"""Posted and held of the payer's wallet and posted of the payee's, in minor units."""


@dataclass(frozen=True)
class Race:
    """Two requests for the head of one wallet, each to a process of its own.

    `ends` says what both callers hear and where the money is afterwards: where the first request
    has got the lock first, and where the second one has.
    """

    home: str
    shop: str
    asks: tuple[Ask, Ask]
    ends: tuple[tuple[Heard, Money], tuple[Heard, Money]]


class Person:
    """Somebody with connections of their own to each process."""

    def __init__(self, apis: Sequence[CommandApi], scope: str = PEOPLE) -> None:
        """Make up a person."""
        first = apis[0].caller(scope=scope)
        self.subject = first.subject
        self.at: list[Caller] = [
            first,
            *(api.caller(self.subject, scope=scope) for api in apis[1:]),
        ]


@dataclass
class TwoProcesses:
    """Two processes of the role `command-api`, people, and what looks at what is stored."""

    databases: FreshDatabases
    apis: list[CommandApi] = field(init=False)
    reader: Written = field(init=False)
    audit: psycopg.Connection[tuple[Any, ...]] = field(init=False)

    def start(self) -> None:
        """Start both at once, each on a port of its own."""
        self.apis = [CommandApi(self.databases, workers=1) for _ in range(2)]
        self.apis[0].keys.ensure()
        for starting in [in_background(api.start) for api in self.apis]:
            starting.result(90)
        self.reader = Written(self.databases.settings, self.databases.secrets)
        self.audit = self.databases.connect("audit")
        self.ann, self.ben, self.cleo, self.payee = (Person(self.apis) for _ in range(4))
        self.operator = Person(self.apis, scope="operate")
        self.bank = self.operator.at[0].bank()

    def stop(self) -> None:
        """End both, which must have been well until now."""
        self.reader.close()
        self.audit.close()
        assert [code for api in self.apis for code in api.stop()] == [0, 0]

    def wallets(self, at: int) -> tuple[str, str]:
        """Open a shared wallet of Ann's with 100.00 and the payee's empty one.

        They are opened at one process, and the money comes in at the other.
        """
        home, shop = self.ann.at[at].open(kind="shared"), self.payee.at[at].open()
        self.operator.at[1 - at].paid(self.bank, home, "100")
        return home, shop

    def in_line(self, race: Race, at: int, first: int) -> Heard:
        """Let both requests wait for the payer's head, that of the number `first` before the other.

        The first request goes to the process of the number `at`, the second one to the other.
        """
        calls = _calls(race.asks, at)
        wallet = WalletId(race.home)
        told = in_line(self.databases, wallet, calls[::-1] if first else calls)
        return tuple(told[::-1] if first else told)

    def at_once(self, race: Race, at: int, held: bool) -> Heard:
        """Send both requests at the same moment; return what both callers hear.

        While the head is `held`, both come to wait for it, in an order of chance.
        """
        calls = _calls(race.asks, at)
        if not held:
            return tuple(each.result(30) for each in sent(calls))
        holder = Holder(self.databases, WalletId(race.home))
        sending = sent(calls)
        until_waiting(holder.connection, 2)
        holder.commit()
        return tuple(each.result(30) for each in sending)

    def money(self, home: str, shop: str) -> Money:
        """Return where the money is by the wallets' events; their heads must say the same."""
        with self.audit.transaction():
            # Somebody may commit between one look and the next.
            self.audit.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            (posted, held), (paid, none) = (self._folded(wallet) for wallet in (home, shop))
        assert none == 0
        return posted, held, paid

    def _folded(self, wallet: str) -> tuple[int, int]:
        name = decode("wal", wallet)
        moved = [(kind, amount or 0) for kind, amount in self.audit.execute(MOVED, [name])]
        posted, held = (
            sum(signs.get(kind, 0) * amount for kind, amount in moved) for signs in (POSTED, HELD)
        )
        assert self.audit.execute(HEAD, [name]).fetchone() == (posted, held)
        return posted, held

    def after(self) -> Aftermath:
        """Return all that is stored: every head agrees with it, and nothing is lost or made."""
        return aftermath(self.databases, self.reader)


def sent(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Let every call begin at the same moment; return what will come of each."""
    barrier = threading.Barrier(len(calls))

    def arrive(call: Callable[[], Any]) -> Any:
        barrier.wait(10)
        return call()

    return [in_background(partial(arrive, call)) for call in calls]


def heard(response: httpx.Response) -> str:
    """Return what a caller hears; a problem must have the status of its code."""
    if response.status_code in (200, 201):
        return "done"
    code = str(response.json()["code"])
    refused(response, 404 if code.endswith("-not-found") else 422, code)
    return code


def _calls(asks: tuple[Ask, Ask], at: int) -> list[Callable[[], str]]:
    def call(ask: Ask, process: int) -> str:
        return heard(ask(process))

    return [partial(call, asks[0], at), partial(call, asks[1], 1 - at)]

"""`./falcon archive --move`: old movements leave the ledger, and are read from the archive."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.identifiers import PaymentId, WalletId
from domain.money import Currencies
from infrastructure.event_log.reader import EventReader
from interfaces.archiving.moving import MOVABLE
from interfaces.replay import history, payment_story
from interfaces.replay.book import events_between
from interfaces.replay.changes import changes, wallet_fields
from interfaces.replay.snapshot import snapshot
from interfaces.replay.stored import SHAPES
from tests import servers
from tests.books import falcon, falcon_json
from tests.moved_ledger import move
from tests.servers import PostgresHome
from tests.tampered_book import Tampered, tampered_book


@pytest.fixture
def world(postgres: PostgresHome, tmp_path: Path) -> Iterator[Tampered]:
    """Give a sealed book of one's own, as what was moved cannot be put right again."""
    databases = servers.fresh_databases(postgres, tmp_path / "home")
    with tampered_book(databases) as tampered:
        yield tampered
    databases.drop()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def asked(world: Tampered) -> list[Any]:
    """Return what auditors are told of the whole book, as far as it was sealed first."""
    settings, currencies = world.databases.settings, Currencies({})
    last, found = world.sizes[-1], list[Any]()
    with snapshot(settings, world.databases.secrets, "ledger") as connection:
        for wallet in map(WalletId, world.names.wallets.values()):
            for at in (world.sizes[0], last - 7, last):
                was = history.history(connection, wallet, at)
                found.append((was.position, was.wallet and history.fields(was, currencies)))
            steps = history.steps(connection, wallet, last)
            found.append([history.event_fields(step, currencies, "EUR") for _, step in steps])
        for payment in world.names.payments.values():
            told = payment_story.story(connection, PaymentId(payment))
            found.append({**payment_story.fields(told, currencies), "position": None})
        difference = changes(connection, 50, last, None, lambda _at, _last: None)
        found += [list(wallet_fields(difference, currencies)), difference.moved]
        found.append(list(events_between(EventReader(connection), 1, last)))
    return found


def stored(world: Tampered) -> int:
    query = "SELECT count(*) FROM events WHERE notification_id <= %s"
    ((count,),) = world.ask(query, world.sizes[-1])
    return int(count)


def test_whoever_asks_is_told_the_same(world: Tampered, store: Path) -> None:
    """Of wallets at any position, payments, what changed, and every event; all of it verified."""
    before, rows = asked(world), stored(world)
    told = move(world.databases, store)
    assert told["moved"] > 150
    assert rows - stored(world) == told["moved"]
    assert asked(world) == before
    assert world.told() == (0, [], "")
    verified = falcon(world.databases, "replay", "verify").stdout
    assert f"{told['moved']} of them from an archive" in " ".join(verified.split())
    assert falcon_json(world.databases, "archive", "--to", store, "--check")["differences"] == []
    again = move(world.databases, store)
    assert (again["written"], again["moved"]) == (0, 0)


def test_command_and_database_agree_on_what_may_leave(world: Tampered) -> None:
    """Of all types that there are; the database refuses every other one."""
    types = [name for name in SHAPES if world.ask("SELECT movable(%s)", name) == [(True,)]]
    assert set(types) == MOVABLE
    assert not world.ask("SELECT 1 WHERE movable('wallet.credited.v2')")

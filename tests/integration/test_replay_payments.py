"""`replay verify` finds whatever is altered of payments that go on, of members and of limits."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import LiteralString

import pytest

from domain.identifiers import StreamId, bits
from interfaces.replay import stored
from tests import servers
from tests.altered_book import REPORT_TABLES, Book, kept
from tests.books import falcon, falcon_json, project, replay
from tests.every_payment import ANN, BEN, CAT, DAN, EVE, EveryPayment, write_every_payment
from tests.fan_out import FanOut
from tests.servers import FreshDatabases, PostgresHome


@dataclass(frozen=True)
class Full:
    """The book with every kind of payment, and hands that may do everything to it."""

    names: EveryPayment
    book: Book

    def positions(self, stream: StreamId) -> list[int]:
        """Return where the events of a stream stand."""
        rows = self.book.ledger.execute(
            "SELECT notification_id FROM events WHERE originator_id = %s ORDER BY 1",
            (bits(stream),),
        )
        return [position for (position,) in rows]

    def of(self, name: str) -> list[int]:
        """Return where the events of a payment stand."""
        return self.positions(StreamId(self.names.payments[name]))

    def home(self) -> list[int]:
        """Return where the events of the shared wallet stand."""
        return self.positions(StreamId(self.names.wallets["home"]))

    def place_of(self, stream: StreamId, type_name: str, number: int = 0) -> int:
        """Return where a stream has its nth event of a type."""
        rows = self.book.ledger.execute(
            "SELECT notification_id FROM events WHERE originator_id = %s AND topic = %s ORDER BY 1",
            (bits(stream), type_name),
        ).fetchall()
        return int(rows[number][0])

    def rewrite(self, position: int, old: str, new: str) -> None:
        """Exchange a text in an event's stored bytes."""
        done = self.book.ledger.execute(
            "UPDATE events SET state ="
            " convert_to(replace(convert_from(state, 'UTF8'), %s, %s), 'UTF8')"
            " WHERE notification_id = %s AND position(%s in convert_from(state, 'UTF8')) > 0",
            (old, new, position, old),
        )
        assert done.rowcount == 1


@pytest.fixture(scope="module")
def unaltered(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    databases = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    names = write_every_payment(databases)
    project(databases)
    with kept(databases) as book:
        yield Full(names, book)
    databases.drop()


@pytest.fixture
def full(unaltered: Full) -> Iterator[Full]:
    yield unaltered
    unaltered.book.put_right()


def test_a_book_with_every_kind_of_payment_has_no_difference(full: Full) -> None:
    found = replay(full.book.databases)
    assert found.findings.kept == []
    assert found.events > 200
    assert all(model.compared for model in found.read_models)


@pytest.mark.parametrize("until", [45, 70, 100, 150])
def test_read_models_in_the_middle_of_payments_are_compared_there(full: Full, until: int) -> None:
    """A payment that went on later must look as it did, not as it does."""
    reports = full.book.reports
    for table in REPORT_TABLES:
        reports.execute(f"DELETE FROM {table}")
    project(full.book.databases, until)
    found = replay(full.book.databases)
    assert {model.position < found.position for model in found.read_models} == {True}
    assert found.findings.kept == []
    reports.execute("UPDATE payments SET status = 'completed', began_as = 'authorized'"
                    " WHERE payment_id = %s", (full.names.payments["run out"],))  # fmt: skip
    assert full.book.place()[1] == "payments"


PAYMENT_CHANGES: list[tuple[str, LiteralString, str]] = [
    ("captured in part", "status = 'completed'", "status"),
    ("captured in part", "captured = captured + 1", "captured"),
    ("captured in part", "uncaptured = 0", "uncaptured"),
    ("captured", "amount = 10000", "amount"),
    ("captured", "refunded = refunded - 1", "refunded"),
    ("captured", "refundable = 0", "refundable"),
    ("captured", "expires_at = expires_at + interval '1 microsecond'", "expires_at"),
    ("run out", "began_as = NULL", "began_as"),
    ("rejected", "failure_code = NULL", "failure_code"),
    ("waits for one more", "approved_by = '{}'", "approved_by"),
    ("approved", "approved_by = '{usr_dan}'", "approved_by"),
]
FIRST_CHANGES: list[tuple[str, LiteralString, str]] = [
    ("first refund", "original_payment_id = payment_id", "original_payment_id"),
    ("approved", "requested_by = 'usr_dan'", "requested_by"),
    ("waits for two", "quorums = '{}'", "quorums"),
    ("split", "source_wallet_id = 'wal_0'", "source_wallet_id"),
    ("held", "uncaptured = uncaptured + 1", "uncaptured"),
    ("held", "expires_at = NULL", "expires_at"),
    ("lunch", "refundable = 0", "refundable"),
]


@pytest.mark.parametrize(("name", "change", "field"), PAYMENT_CHANGES)
def test_what_a_payment_came_to_is_compared_with_its_last_event(
    full: Full, name: str, change: LiteralString, field: str
) -> None:
    payment = full.names.payments[name]
    full.book.reports.execute(
        "UPDATE payments SET " + change + " WHERE payment_id = %s", (payment,)
    )
    assert full.book.place() == (full.of(name)[-1], "payments", payment, field)


@pytest.mark.parametrize(("name", "change", "field"), FIRST_CHANGES)
def test_what_a_payment_began_with_is_compared_with_its_first_event(
    full: Full, name: str, change: LiteralString, field: str
) -> None:
    payment = full.names.payments[name]
    full.book.reports.execute(
        "UPDATE payments SET " + change + " WHERE payment_id = %s", (payment,)
    )
    assert full.book.place() == (full.of(name)[0], "payments", payment, field)


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ("UPDATE payment_legs SET amount = amount + 1 WHERE leg = 1 AND payment_id = %s", "amount"),
        ("UPDATE payment_legs SET currency = 'USD' WHERE leg = 1 AND payment_id = %s", "currency"),
        ("UPDATE payment_legs SET source_wallet_id = destination_wallet_id WHERE payment_id = %s",
         "source_wallet_id"),
        ("UPDATE payment_legs SET destination_wallet_id = source_wallet_id WHERE payment_id = %s",
         "destination_wallet_id"),
        ("UPDATE payment_legs SET leg = leg + 7 WHERE payment_id = %s", "leg"),
        ("DELETE FROM payment_legs WHERE leg = 2 AND payment_id = %s", "row"),
        ("INSERT INTO payment_legs SELECT payment_id, 7, position, 1, source_wallet_id,"
         " destination_wallet_id, currency FROM payment_legs WHERE leg = 0 AND payment_id = %s",
         "row"),
    ],
)  # fmt: skip
def test_an_altered_leg_is_found(full: Full, statement: LiteralString, field: str) -> None:
    payment = full.names.payments["split"]
    full.book.reports.execute(statement, (payment,))
    assert full.book.place() == (full.of("split")[0], "payment_legs", payment, field)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("UPDATE payment_steps SET status = 'authorized' WHERE position = %s", "status"),
        ("UPDATE payment_steps SET amount = NULL WHERE position = %s", "amount"),
        ("UPDATE payment_steps SET recorded_at = now() WHERE position = %s", "recorded_at"),
        ("UPDATE payment_steps SET effective_at = now() WHERE position = %s", "effective_at"),
        ("UPDATE payment_steps SET payment_id = 'pay_0' WHERE position = %s", "payment_id"),
        ("DELETE FROM payment_steps WHERE position = %s", "row"),
    ],
)
def test_an_altered_step_is_found(full: Full, change: LiteralString, field: str) -> None:
    position = full.of("captured")[-2]
    full.book.reports.execute(change, (position,))
    payment = full.names.payments["captured"]
    assert full.book.place() == (position, "payment_steps", payment, field)


def test_an_invented_step_is_found(full: Full) -> None:
    full.book.reports.execute(
        "INSERT INTO payment_steps VALUES (3, 'pay_0', 'refunded', 1, now(), now())"
    )
    assert full.book.place() == (3, "payment_steps", "pay_0", "row")


@pytest.mark.parametrize(
    ("statement", "user", "field"),
    [
        ("UPDATE members SET role = 'owner' WHERE user_id = 'usr_eve'", EVE, "role"),
        ("UPDATE members SET opened_position = 1 WHERE user_id = 'usr_dan'", DAN,
         "opened_position"),
        ("DELETE FROM members WHERE user_id = 'usr_cat'", CAT, "row"),
        ("INSERT INTO members SELECT wallet_id, 'usr_fay', 'owner', opened_position FROM members"
         " WHERE user_id = 'usr_eve'", "usr_fay", "row"),
    ],
)  # fmt: skip
def test_an_altered_member_is_found(
    full: Full, statement: LiteralString, user: str, field: str
) -> None:
    """Who belongs to a wallet follows from all its events, so the place is a position of it."""
    full.book.reports.execute(statement)
    position, where, name, found = full.book.place()
    home = full.names.wallets["home"]
    assert (where, name, found) == ("members", f"{home} {user}", field)
    assert position in full.home()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("members = NULL", "members"),
        ("""members = replace(members, '"usr_eve":"viewer"', '"usr_eve":"owner"')""", "members"),
        ("per_payment = 5", "per_payment"),
        ("per_day = NULL", "per_day"),
        ("approvals_required = 0", "approvals_required"),
        ("approvals_above = approvals_above + 1", "approvals_above"),
        ("spent = spent - 1", "spent"),
        ("spent_on = spent_on - 1", "spent_on"),
        ("spent_on = NULL", "spent_on"),
        ("held = held - 1", "held"),
    ],
)
def test_an_altered_head_is_found(full: Full, change: LiteralString, field: str) -> None:
    home = full.names.wallets["home"]
    full.book.ledger.execute("UPDATE wallet_head SET " + change + " WHERE id = %s", (bits(home),))
    assert full.book.place() == (full.home()[-1], "wallet_head", home, field)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("held = held + 1", "held"),
        ("per_payment = 5", "per_payment"),
        ("per_day = 5", "per_day"),
        ("approvals_required = 1", "approvals_required"),
        ("approvals_above = 1", "approvals_above"),
    ],
)
def test_an_altered_balance_is_found(full: Full, change: LiteralString, field: str) -> None:
    home = full.names.wallets["home"]
    full.book.reports.execute("UPDATE balances SET " + change + " WHERE wallet_id = %s", (home,))
    assert full.book.place() == (full.home()[-1], "balances", home, field)


def test_an_altered_standing_is_found_at_the_event_that_tells_it(full: Full) -> None:
    last = full.of("captured in part")[-1]
    full.rewrite(last, '"captured":3000', '"captured":3001')
    payment = full.names.payments["captured in part"]
    assert full.book.place() == (last, "payments", payment, "captured")


def test_a_last_event_that_cannot_be_read_is_found_where_it_stands(full: Full) -> None:
    """Not where its payment begins, though what that should look like is not known then."""
    last = full.of("captured in part")[-1]
    full.rewrite(last, '"standing"', '"understanding"')
    payment = full.names.payments["captured in part"]
    assert full.book.place() == (last, "events", payment, "data")
    found = replay(full.book.databases).findings
    assert {difference.position for difference in found.kept if difference.position < last} == set()


def test_a_captured_amount_that_moved_otherwise_is_found(full: Full) -> None:
    shop = StreamId(full.names.wallets["shop"])
    credit = full.of("captured in part")[-1] + 2
    assert credit in full.positions(shop)
    full.rewrite(credit, '"amount":3000', '"amount":3001')
    position, where, _, field = full.book.place()
    assert (position, where, field) == (credit, "events", "sum of EUR over the command")


def test_a_day_that_spent_more_than_its_limit_is_found_at_the_payment(full: Full) -> None:
    """The limit of 5,000.00 was always there, had it been 40.00: the first hold is within it."""
    ann = StreamId(full.names.wallets["ann"])
    changed = full.place_of(ann, "wallet.limits_changed.v1")
    full.rewrite(changed, '"per_day":500000', '"per_day":1000')
    found = replay(full.book.databases).findings
    over = [d for d in found.kept if d.field == "spent on the day"]
    # 5.00 are held first, then 9.00, which makes 14.00 on the day.
    assert over[0].position == full.place_of(ann, "wallet.funds_held.v1", 1)
    assert (over[0].where, over[0].expected, over[0].found) == ("events", "1000 at most", 1400)


def test_a_payment_above_the_limit_of_one_is_found(full: Full) -> None:
    ann = StreamId(full.names.wallets["ann"])
    changed = full.place_of(ann, "wallet.limits_changed.v1")
    full.rewrite(changed, '"per_payment":90000', '"per_payment":800')
    found = replay(full.book.databases).findings
    over = [d for d in found.kept if d.field == "spent by the payment"]
    assert over[0].position == full.place_of(ann, "wallet.funds_held.v1", 1)


def test_a_wallet_without_an_owner_is_found_where_the_last_one_went(full: Full) -> None:
    """Had nobody else become an owner, the end of one's own role would be the end of all."""
    home = StreamId(full.names.wallets["home"])
    nobody_else_is_an_owner(full, home)
    removed = full.place_of(home, "wallet.member_removed.v1")
    full.rewrite(removed, '"user_id":"usr_fay"', f'"user_id":"{ANN}"')
    found = replay(full.book.databases).findings
    (gone,) = [difference for difference in found.kept if difference.field == "owners"]
    assert (gone.position, gone.stream) == (removed, home)


def test_a_wallet_without_an_owner_is_found_where_the_last_one_got_another_role(
    full: Full,
) -> None:
    home = StreamId(full.names.wallets["home"])
    nobody_else_is_an_owner(full, home)
    changed = full.place_of(home, "wallet.member_added.v1", 6)
    full.rewrite(changed, '"user_id":"usr_fay"', f'"user_id":"{ANN}"')
    found = replay(full.book.databases).findings
    gone = [difference for difference in found.kept if difference.field == "owners"]
    assert gone[0].position == changed


def nobody_else_is_an_owner(full: Full, home: StreamId) -> None:
    for number in (1, 2, 5):
        added = full.place_of(home, "wallet.member_added.v1", number)
        full.rewrite(added, '"role":"owner"', '"role":"viewer"')


def test_the_wallet_is_shown_with_its_members_limits_and_what_is_held(full: Full) -> None:
    home = full.names.wallets["home"]
    shown = falcon_json(full.book.databases, "replay", "wallet", home)
    assert shown["members"] == {
        ANN: "owner",
        BEN: "owner",
        CAT: "owner",
        DAN: "spender",
        EVE: "viewer",
    }
    assert shown["limits"] == {"per_payment": None, "per_day": "90000.00"}
    assert shown["approvals"] == {"required": 2, "above": "100.00"}
    assert (shown["held"], shown["events"][-1]["held"]) == ("811.00", "811.00")
    before = full.place_of(StreamId(home), "wallet.member_removed.v1") - 1
    earlier = falcon_json(full.book.databases, "replay", "wallet", home, "--at", before)
    assert earlier["members"]["usr_fay"] == "viewer"
    text = falcon(full.book.databases, "replay", "wallet", home).stdout
    assert "usr_dan spender, usr_eve viewer" in text
    assert "per_payment -, per_day 90000.00" in text


def test_differences_of_legs_and_steps_are_counted_for_their_read_model(full: Full) -> None:
    full.book.reports.execute("UPDATE payment_steps SET amount = 1 WHERE amount = 1000")
    shown = falcon(full.book.databases, "replay", "verify").stdout
    (line,) = [line for line in shown.splitlines() if "payments " in line]
    assert int(line.split()[-2]) > 0


def test_memory_does_not_grow_with_payments_that_go_on(
    databases: FreshDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay of four times as many holds and captures, in chunks, keeps no more in mind."""
    monkeypatch.setattr(stored, "CHUNK", 100)
    fan_out = FanOut(databases)
    writer = fan_out.writer()
    one, other = writer.open(kind="system"), writer.open(kind="system")

    def peak(holds: int) -> int:
        # The server ends a connection that takes a second to write what it appends.
        for _ in range(holds // 100):
            for _ in range(100):
                payment = writer.hold(one, other, 5)
                writer.capture(payment, one, other, 5)
            writer.flush()
        project(databases)
        tracemalloc.start()
        found = replay(databases)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert {difference.where for difference in found.findings.kept} == {"wallet_head"}
        return most

    few = peak(1_000)
    assert peak(3_000) < few + 200_000

"""`replay verify` finds whatever is altered of members and limits, and what breaks them."""

from collections.abc import Iterator
from typing import LiteralString

import pytest

from domain.identifiers import StreamId, bits
from tests import servers
from tests.books import falcon, falcon_json, replay
from tests.every_payment import ANN, BEN, CAT, DAN, EVE
from tests.full_book import Full, full_book
from tests.servers import PostgresHome


@pytest.fixture(scope="module")
def unaltered(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    databases = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    with full_book(databases) as full:
        yield full
    databases.drop()


@pytest.fixture
def full(unaltered: Full) -> Iterator[Full]:
    yield unaltered
    unaltered.book.put_right()


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

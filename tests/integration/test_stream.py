"""`GET /v1/stream`: what is told to whom, in which order, and behind which position."""

from collections.abc import Iterator

import pytest

from tests.query_book import ALICE, BOB, CAROL, Book, write_book
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome
from tests.streams import asked, streamed

SHOP = "usr_shop"


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> Book:
    return write_book(system)


def own_positions(system: QuerySystem, user: str, *wallets: str) -> list[int]:
    """Return where something happened to a user's wallets, by their entries and payments."""
    with system.databases.connect("reader", "reports") as reports:
        # What only holds money is no line of a statement, and changes the balance.
        rows = reports.execute(
            "SELECT position FROM entries WHERE wallet_id = ANY(%s)", [list(wallets)]
        )
        entries = {position for (position,) in rows}
    payments = system.pages("/v1/payments", user, "read", limit=200)
    return sorted(
        entries
        | {
            step["position"]
            for payment in payments
            for step in system.found(f"/v1/payments/{payment['payment_id']}", user, "read")[
                "timeline"
            ]
        }
    )


def test_payments_and_balances_come_in_the_order_of_positions(
    system: QuerySystem, book: Book
) -> None:
    """Each is as the other routes show it, the payment without its history."""
    with streamed(system, ALICE) as stream:
        payment = system.writer.transfer(book.alice, book.savings, 1_00, description="More")
        system.follow()
        told = stream.take(3)
    head = system.head()
    assert [event.name for event in told] == ["payment", "balance", "balance"]
    assert [event.position for event in told] == [head - 2, head - 1, head]
    shown = system.found(f"/v1/payments/{payment}", ALICE, "read")
    del shown["timeline"]
    assert told[0].document == shown
    for event, wallet in zip(told[1:], (book.alice, book.savings), strict=True):
        balance = system.found(f"/v1/wallets/{wallet}/balance", ALICE, "read")
        assert event.document == {"wallet_id": wallet, **balance, "position": event.position}


def test_everybody_is_told_what_is_theirs_and_nothing_else(system: QuerySystem, book: Book) -> None:
    """A payer sees both, a payee what was paid and not what was declined, a stranger nothing."""
    writer = system.writer
    with (
        streamed(system, ALICE) as alice,
        streamed(system, BOB) as bob,
        streamed(system, CAROL) as carol,
        streamed(system, "usr_auditor", "audit") as auditor,
    ):
        writer.transfer(book.alice, book.bob, 2_00, description="Tea", reference="secret")
        writer.decline(book.alice, book.bob, 999_00)
        # The last thing of all is told to everybody, so what came before is told by then.
        for wallet in (book.alice, book.bob, book.carol):
            writer.transfer(book.till, wallet, 5)
        system.follow()
        first = system.head() - 12
        last = {ALICE: first + 6, BOB: first + 9, CAROL: first + 12}
        of_alice = alice.until(last[ALICE])
        of_bob = bob.until(last[BOB])
        of_carol = carol.until(last[CAROL])
        of_auditor = auditor.until(last[CAROL])
    assert [event.position - first for event in of_alice] == [0, 1, 3, 4, 6]
    assert of_alice[0].document["reference"] == "secret"
    assert of_alice[2].document["status"] == "declined"
    assert [event.position - first for event in of_bob] == [0, 2, 7, 9]
    assert "reference" not in of_bob[0].document
    assert [event.position - first for event in of_carol] == [10, 12]
    assert [event.position - first for event in of_auditor] == list(range(13))


def test_scopes_choose_what_is_told(system: QuerySystem, book: Book) -> None:
    with (
        streamed(system, BOB, "wallets") as balances,
        streamed(system, BOB, "payments") as payments,
        asked(system, BOB, "admin") as refused,
    ):
        system.writer.transfer(book.alice, book.bob, 3_00)
        system.follow()
        assert balances.next().name == "balance"
        assert payments.next().name == "payment"
        assert refused.status_code == 403


def test_a_cut_at_any_place_loses_and_doubles_nothing(system: QuerySystem, book: Book) -> None:
    """Holds, captures and splits too; whatever was the last event, the rest comes behind it."""
    writer = system.writer
    begin = system.head()
    hold = writer.hold(book.alice, book.bob, 4_00)
    writer.capture(hold, book.alice, book.bob, 4_00)
    writer.transfer(book.bob, book.alice, 1_00)
    writer.ask(book.savings, book.bob, 7_00, ALICE)
    system.follow()
    wanted = [p for p in own_positions(system, ALICE, book.alice, book.savings) if p > begin]
    assert len(wanted) >= 6
    with streamed(system, ALICE, after=begin) as whole:
        every = whole.until(wanted[-1])
    assert [event.position for event in every] == wanted
    for count in range(len(every)):
        cut = every[count - 1].position if count else begin
        with streamed(system, ALICE, after=0, last_event_id=cut) as rest:
            assert rest.until(wanted[-1]) == every[count:]


def test_resumed_while_more_is_written_nothing_is_missing(system: QuerySystem, book: Book) -> None:
    """What comes while the past is told is told behind it, once."""
    writer = system.writer
    begin = system.head()
    for _ in range(5):
        for _ in range(300):
            writer.transfer(book.till, book.bob, 1)
        system.follow()
        with streamed(system, BOB, after=begin) as stream:
            begun = stream.take(10)
            writer.transfer(book.till, book.bob, 1)
            system.follow()
            rest = stream.until(system.head())
        positions = [event.position for event in (*begun, *rest)]
        # A credit is the last of the three events of its transfer, a payment the first.
        assert positions == [p for p in range(begin + 1, system.head() + 1) if (p - begin) % 3 != 2]
        begin = system.head()


def test_a_time_long_ago_is_told_from_the_entries(system: QuerySystem, book: Book) -> None:
    """From the ledger's first position on, through more than one window of positions."""
    for _ in range(900):
        system.writer.transfer(book.till, book.bob, 1)
    system.follow()
    wanted = own_positions(system, ALICE, book.alice, book.savings)
    system.writer.transfer(book.alice, book.bob, 1)
    system.follow()
    with streamed(system, ALICE, after=0) as stream:
        told = stream.until(system.head() - 1)
    assert [event.position for event in told][: len(wanted)] == wanted


def test_what_the_client_has_seen_is_waited_for(system: QuerySystem, book: Book) -> None:
    """Behind a position that the read models have not reached nothing before it is told."""
    system.writer.transfer(book.alice, book.bob, 5_00)
    system.writer.flush()
    head = system.head()
    with streamed(system, BOB, after=head) as stream:
        system.writer.transfer(book.alice, book.bob, 6_00)
        system.follow()
        assert stream.next().position == head + 1


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "99999999999999999999", "1 2"])
def test_an_id_that_is_none_is_refused(system: QuerySystem, book: Book, value: str) -> None:
    with asked(system, ALICE, last_event_id=value) as response:
        response.read()
        assert response.status_code == 422
        assert response.json()["errors"][0]["parameter"] == "Last-Event-ID"
    system.documented.check(response)
    parameters = system.ask("/v1/stream", ALICE, "read", after=value)
    assert parameters.status_code == 422


def test_an_id_past_the_head_is_refused(system: QuerySystem, book: Book) -> None:
    for how in ({"after": system.head() + 1}, {"last_event_id": system.head() + 1}):
        with asked(system, ALICE, **how) as response:  # type: ignore[arg-type]  # either of the two
            assert response.status_code == 422, response.read()


def test_a_member_removed_is_told_nothing_more(system: QuerySystem) -> None:
    """Nor is anything of the past that they resume from: the next thing told is their own."""
    writer = system.writer
    till = writer.open(kind="system")
    shared = writer.open(owner="usr_eve", kind="shared")
    own = writer.open(owner="usr_finn")
    writer.member(shared, "usr_finn", "viewer")
    system.follow()
    begin = system.head()
    with streamed(system, "usr_finn") as stream:
        writer.transfer(till, shared, 1_00)
        system.follow()
        told = stream.take(2)
        assert told[1].document["wallet_id"] == shared
        writer.remove(shared, "usr_finn")
        writer.transfer(till, shared, 2_00)
        writer.transfer(till, own, 3_00)
        system.follow()
        assert [event.position for event in stream.take(2)] == [system.head() - 2, system.head()]
    with streamed(system, "usr_finn", after=begin) as again:
        assert [event.position for event in again.take(2)] == [system.head() - 2, system.head()]


def test_a_wallet_that_is_shared_and_frozen_meanwhile(system: QuerySystem) -> None:
    """Whoever becomes a member is told from then on; so is what a frozen wallet gets."""
    writer = system.writer
    till = writer.open(kind="system")
    shared = writer.open(owner="usr_gil", kind="shared")
    system.follow()
    with streamed(system, "usr_hal") as stream:
        writer.member(shared, "usr_hal", "viewer")
        writer.transfer(till, shared, 1_00)
        system.follow()
        assert [event.name for event in stream.until(system.head())] == ["payment", "balance"]
        writer.freeze(shared)
        writer.transfer(till, shared, 2_00)
        system.follow()
        told = stream.until(system.head())
    assert [event.name for event in told] == ["payment", "balance"]
    assert told[1].document["posted"] == "3.00"


def test_a_stream_by_an_auditor_is_written_down_before_it_begins(system: QuerySystem) -> None:
    """Once, with where it goes on from; by whom it is read for oneself is nobody's business."""
    begin = system.head()
    with streamed(system, "usr_ida", "audit", after=begin), streamed(system, "usr_ida", "operate"):
        items = system.found("/v1/audit/accesses", person="usr_ida")["items"]
    assert [(item["route"], item["asked"]) for item in items] == [("/v1/stream", {"after": begin})]

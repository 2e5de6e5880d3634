"""`replay payment` tells each kind of payment in sentences, from the events alone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from domain.identifiers import bits, key_stream, payment_id, wallet_id
from domain.instants import parse_instant
from domain.payments import transfer_money
from tests import servers
from tests.books import falcon, falcon_json
from tests.every_payment import OPERATOR, EveryPayment, write_every_payment
from tests.servers import FreshDatabases, PostgresHome

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

STORIES: dict[str, list[str]] = {
    "lunch": ['ann (a member) paid 12.34 EUR from "ann" to "shop"{texts}.'],
    "declined": ['ann (a member) wanted to move 89999.00 EUR from "ann" to "shop" and was declined:'
                 " limit-exceeded{texts}."],
    "refund too much": ['shop (a member) wanted to move 43.01 EUR from "shop" to "ann" and was'
                        " declined: amount-exceeds-payment."],
    "refunded": ['ann (a member) paid 33.00 EUR from "ann" to "shop"{texts}.',
                 "shop (a member) gave back 10.00 EUR by [first refund];"
                 " 23.00 EUR can still be given back.",
                 "shop (a member) gave back 23.00 EUR by [second refund];"
                 " 0.00 EUR can still be given back."],
    "first refund": ['shop (a member) gave back 10.00 EUR from "shop" to "ann", of [refunded],'
                     ' saying "for first refund".'],
    "reversed": ['ann (a member) paid 7.00 EUR from "ann" to "shop"{texts}.',
                 "operator (an operator) undid it by [reversal]."],
    "reversal": ['operator (an operator) undid [reversed]: 7.00 EUR from "shop" to "ann",'
                 ' saying "twice".'],
    "run out in part": ['ann (a member) held 9.00 EUR from "ann" to "shop" until TIME{texts}.',
                        "shop (a member) captured 4.00 EUR; 5.00 EUR can still be captured,"
                        ' saying "for run out in part".',
                        "falconpay (the ledger itself) set 5.00 EUR free again,"
                        " as its time had run out."],
    "captured": ['ann (a member) held 100.00 EUR from "ann" to "shop" until TIME{texts}.',
                 "ann (a member) added 20.00 EUR to the hold: 120.00 EUR until TIME.",
                 "shop (a member) captured 10.00 EUR; 110.00 EUR can still be captured,"
                 ' saying "for captured".',
                 "ann (a member) captured 70.00 EUR and set the other 40.00 EUR free again,"
                 ' saying "for captured".',
                 "shop (a member) gave back 15.00 EUR by [refund of a hold];"
                 " 65.00 EUR can still be given back."],
    "released": ['ann (a member) held 15.00 EUR from "ann" to "shop" until TIME{texts}.',
                 "shop (a member) set 15.00 EUR free again, as it was released."],
    "split": ['ann (a member) paid 20.00 EUR from "ann" to "shop", 30.00 EUR from "ann" to "guide",'
              ' 1.00 EUR from "ann" to "fees"{texts}.'],
    "exchange": ['operator (an operator) exchanged 10.00 EUR from "ann" to "till",'
                 ' 1602 JPY from "yen till" to "yen", at 16025/100.'],
    "rejected": ['ann (a member) asked for 160.00 EUR from "home" to "shop", held until TIME for'
                 ' 1 other owner of "home" to approve{texts}.',
                 'cat (a member) rejected it; 160.00 EUR are free again, saying "too dear".'],
    "approved": ['ann (a member) asked for 150.00 EUR from "home" to "shop", held until TIME for'
                 ' 1 other owner of "home" to approve{texts}.',
                 'ben (a member) approved it, as number 1 to do so, saying "as agreed".',
                 'ben (a member) with that paid 150.00 EUR from "home" to "shop"{texts}.'],
    "hold approved": ['ben (a member) asked for 190.00 EUR from "home" to "shop", held until TIME'
                      ' for 2 other owners of "home" to approve{texts}.',
                      'ann (a member) approved it, as number 1 to do so, saying "as agreed".',
                      'cat (a member) approved it, as number 2 to do so, saying "as agreed".',
                      'cat (a member) with that held 190.00 EUR from "home" to "shop"'
                      " until TIME{texts}.",
                      "shop (a member) captured 110.00 EUR; 80.00 EUR can still be captured,"
                      ' saying "for hold approved".'],
}  # fmt: skip
"""What is told of a payment by its name in the book; `[name]` is the id of another one."""


@pytest.fixture(scope="module")
def databases(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreshDatabases]:
    made = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    yield made
    made.drop()


@pytest.fixture(scope="module")
def written(databases: FreshDatabases) -> EveryPayment:
    """Write a book that no read model has seen."""
    return write_every_payment(databases)


def told(databases: FreshDatabases, payment: str) -> dict[str, Any]:
    return falcon_json(databases, "replay", "payment", payment)


@pytest.mark.parametrize("name", STORIES)
def test_each_kind_of_payment_is_told(
    databases: FreshDatabases, written: EveryPayment, name: str
) -> None:
    """A sentence an event, with whoever did it, the wallets by name, and the amounts."""
    texts = f', saying "for {name}", reference "R {name}"'
    if name in {"refund too much", "exchange"}:
        texts = ""
    expected = [
        "usr_" * (not line.startswith("falconpay")) + line.replace("{texts}", texts)
        for line in STORIES[name]
    ]
    found = [
        TIME.sub("TIME", step["story"]) for step in told(databases, written.payments[name])["steps"]
    ]
    ids = {str(payment): f"[{other}]" for other, payment in written.payments.items()}
    shown = [re.sub(r"pay_\w{26}", lambda match: ids[match[0]], line) for line in found]
    assert shown == expected


def test_money_moves_where_the_event_says_so(
    databases: FreshDatabases, written: EveryPayment
) -> None:
    """An approval moves nothing; the payment that it lets go on does, and has a value date."""
    found = told(databases, written.payments["approved"])
    moves = [[move["type"] for move in step["moves"]] for step in found["steps"]]
    assert moves == [
        ["wallet.funds_held.v1"],
        [],
        ["wallet.hold_captured.v1", "wallet.credited.v1"],
    ]
    assert [step["effective_at"] is not None for step in found["steps"]] == [False, False, True]
    assert [step["status"] for step in found["steps"]][::2] == ["awaiting-approval", "completed"]
    assert found["wallets"] == [
        {"wallet_id": written.wallets["home"], "name": "home"},
        {"wallet_id": written.wallets["shop"], "name": "shop"},
    ]


def test_both_times_are_told(databases: FreshDatabases, written: EveryPayment) -> None:
    """When it was recorded, and for when it counts."""
    valued = parse_instant("2001-02-03T04:05:06Z")
    wallets = written.wallets
    written.begin(
        "long ago",
        OPERATOR,
        lambda payment: transfer_money(
            payment_id=payment,
            source_wallet_id=wallets["till"],
            destination_wallet_id=wallets["fees"],
            amount=7,
            currency="EUR",
            effective_at=valued,
        ),
    )
    shown = falcon(databases, "replay", "payment", written.payments["long ago"]).stdout
    (step,) = told(databases, written.payments["long ago"])["steps"]
    assert step["effective_at"] == valued < step["recorded_at"]
    assert f"recorded {step['recorded_at']}, valued {valued}: usr_operator" in shown


def test_people_are_shown_names_as_they_are(
    databases: FreshDatabases, written: EveryPayment
) -> None:
    """A name that looks like markup of a terminal is a name; of two alike the ids are told."""
    for number in (1, 2):
        written.open("[red]", None)
        written.wallets[f"red {number}"] = written.wallets["[red]"]
    written.pay("red", OPERATOR, "red 1", "red 2", 5)
    shown = falcon(databases, "replay", "payment", written.payments["red"]).stdout
    for number in (1, 2):
        assert f'"[red]" ({written.wallets[f"red {number}"]})' in shown
    assert len(shown.splitlines()) == 4


UNKNOWN = key_stream("main", "tests", "nobody", "nothing")


@pytest.mark.parametrize(
    ("payment", "code", "reason"),
    [
        (payment_id(UNKNOWN), 1, "There is no payment pay_"),
        (wallet_id(UNKNOWN), 2, "is no payment's id"),
        ("pay_1", 2, "is no payment's id"),
        ("", 2, "is no payment's id"),
    ],
)
def test_what_is_not_there_is_one_sentence(
    databases: FreshDatabases, payment: str, code: int, reason: str
) -> None:
    done = falcon(databases, "replay", "payment", payment)
    assert (done.returncode, done.stdout) == (code, "")
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("column", "old", "new"),
    [
        ("metadata", '"index":0', '"index":70'),
        ("metadata", '"index":0', '"index":-1'),
        ("state", '"currency":"EUR"', '"currency":"ZZZ"'),
        ("state", '"amount"', '"amounts"'),
    ],
)
def test_an_altered_payment_is_one_sentence(
    databases: FreshDatabases, written: EveryPayment, column: str, old: str, new: str
) -> None:
    """Somebody has altered its first event: it says what is wrong and who tells more."""
    payment = written.payments["lunch"]
    alter = (
        f"UPDATE ledger_main.events SET {column} ="
        f" convert_to(replace(convert_from({column}, 'UTF8'), %s, %s), 'UTF8')"
        " WHERE originator_id = %s AND originator_version = 1"
    ).encode()
    with databases.connect_admin() as admin:
        admin.execute("ALTER TABLE ledger_main.events DISABLE TRIGGER USER")
        assert admin.execute(alter, (old, new, bits(payment))).rowcount == 1
        done = falcon(databases, "replay", "payment", payment)
        admin.execute(alter, (new, old, bits(payment)))
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "./falcon replay verify tells where" in done.stderr

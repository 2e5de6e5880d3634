"""Compares tables that keep a row a wallet or a day with what the events alone say."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, LiteralString

import psycopg

from interfaces.replay.findings import Difference, Findings
from interfaces.replay.stored import Paid, Stored, WentOn, chunks, time_of
from interfaces.replay.wallets import Wallet

Row = tuple[Any, ...]

HEADS: LiteralString = """
SELECT uuid_send(id), version, kind, currency, owner, posted, held, overdraft_limit,
       frozen_by_member, frozen_by_operator, closed, members, per_payment, per_day,
       approvals_required, approvals_above, spent_on::text, spent FROM wallet_head"""
HEAD_FIELDS = (
    *("version", "kind", "currency", "owner", "posted", "held", "overdraft_limit"),
    *("frozen_by_member", "frozen_by_operator", "closed", "members", "per_payment", "per_day"),
    *("approvals_required", "approvals_above", "spent_on", "spent"),
)
BALANCES: LiteralString = """
SELECT wallet_id, opened_position, timestamptz_send(opened_at), position, posted, held,
       overdraft_limit, frozen_by_member, frozen_by_operator, closed, kind, account_class,
       currency, owner, name, reference, per_payment, per_day, approvals_required,
       approvals_above FROM balances"""
BALANCE_FIELDS = (
    *("opened_position", "opened_at", "position", "posted", "held", "overdraft_limit"),
    *("frozen_by_member", "frozen_by_operator", "closed", "kind", "account_class"),
    *("currency", "owner", "name", "reference", "per_payment", "per_day"),
    *("approvals_required", "approvals_above"),
)
MEMBERS: LiteralString = "SELECT wallet_id, user_id, role, opened_position FROM members"
TOTALS: LiteralString = (
    "SELECT date::text, currency, kind, count, volume, declined FROM daily_totals"
)
TOTAL_FIELDS = ("count", "volume", "declined")
TRIAL_BALANCE: LiteralString = "SELECT opened_position, wallet_id, currency FROM trial_balance"


def compare_heads(
    heads: Iterable[Row],
    wallets: Mapping[bytes, Wallet],
    last: int,
    findings: Findings,
    fields: Sequence[str] = HEAD_FIELDS,
) -> None:
    """Compare the heads with the wallets as they stand at the store's last position.

    A backup may be older than some of the fields, so it says which ones its heads have, the
    version first. A head that is ahead of its wallet's events speaks of events that are missing
    behind the last.
    """
    missing = dict(wallets)
    for stream, *found in heads:
        wallet = missing.pop(stream, None)
        if wallet is None:
            findings.add(
                Difference(last + 1, "wallet_head", stream.hex(), "row", None, "a wallet's head")
            )
            continue
        position = last + 1 if found[0] > wallet.version else wallet.position
        expected = dict(zip(HEAD_FIELDS, _head_of(wallet), strict=True))
        wanted = [expected[name] for name in fields]
        findings.compare(position, "wallet_head", wallet.name, fields, wanted, found)
    for wallet in missing.values():
        findings.missing(wallet.opened_position, "wallet_head", wallet.name)


def compare_balances(
    connection: psycopg.Connection[Any], wallets: Mapping[bytes, Wallet], findings: Findings
) -> None:
    """Compare the balances, row by row, with the wallets at the read model's checkpoint."""
    missing = {wallet.name: wallet for wallet in wallets.values()}
    for rows in chunks(connection, "balances", BALANCES):
        for name, *found in rows:
            wallet = missing.pop(name, None)
            if wallet is None:
                findings.unasked(found[2], "balances", name)
            else:
                # The row names the last event that it has seen, which the store may lack.
                position = max(wallet.position, found[2])
                expected = _balance_of(wallet)
                findings.compare(position, "balances", name, BALANCE_FIELDS, expected, found)
    for wallet in missing.values():
        findings.missing(wallet.opened_position, "balances", wallet.name)


def compare_members(
    connection: psycopg.Connection[Any], wallets: Mapping[bytes, Wallet], findings: Findings
) -> None:
    """Compare who has which role in which wallet."""
    missing = {
        (wallet.name, user): (role, wallet)
        for wallet in wallets.values()
        for user, role in wallet.members.items()
    }
    for rows in chunks(connection, "members", MEMBERS):
        for name, user, *found in rows:
            role, wallet = missing.pop((name, user), (None, None))
            if wallet is None:
                findings.unasked(found[1], "members", f"{name} {user}")
            else:
                fields, expected = ("role", "opened_position"), (role, wallet.opened_position)
                position, row = wallet.position, f"{name} {user}"
                findings.compare(position, "members", row, fields, expected, found)
    for (name, user), (_, wallet) in missing.items():
        findings.missing(wallet.opened_position, "members", f"{name} {user}")


def compare_trial_balance(
    connection: psycopg.Connection[Any], wallets: Mapping[bytes, Wallet], findings: Findings
) -> None:
    """Compare which wallets belong to the trial balance, and since when."""
    missing = {wallet.opened_position: wallet for wallet in wallets.values()}
    for rows in chunks(connection, "trial_balance", TRIAL_BALANCE):
        for position, name, currency in rows:
            wallet = missing.pop(position, None)
            if wallet is None:
                findings.unasked(position, "trial_balance", name)
            else:
                findings.compare(
                    position,
                    "trial_balance",
                    name,
                    ("wallet_id", "currency"),
                    (wallet.name, wallet.opened.currency),
                    (name, currency),
                )
    for wallet in missing.values():
        findings.missing(wallet.opened_position, "trial_balance", wallet.name)


class DailyTotals:
    """Adds up payments by day, currency and kind; memory grows with days."""

    def __init__(self) -> None:
        """Begin without any day."""
        self._totals: dict[tuple[str, str, str], list[int]] = {}

    def add(self, event: Stored) -> None:
        """Count what completed by value date, what was declined by the day recorded."""
        facts = event.facts
        if event.type == "payment.completed.v1" and isinstance(facts, Paid):
            self._add(facts.effective_at, facts.currency, facts.kind, 1, facts.amount, 0)
        elif (event.type == "payment.declined.v1" and isinstance(facts, Paid)) or (
            event.type == "payment.rejected.v1" and isinstance(facts, WentOn)
        ):
            self._add(time_of(event.recorded), facts.currency, facts.kind, 0, 0, 1)
        elif event.type in {"payment.captured.v1", "payment.released.v1"}:
            assert isinstance(facts, WentOn), "that is their shape"
            captured = facts.standing.captured
            if facts.standing.ended_by is not None and captured:
                self._add(facts.effective_at, facts.currency, "hold", 1, captured, 0)

    def _add(
        self,
        at: str | None,
        currency: str | None,
        kind: str | None,
        count: int,
        volume: int,
        declined: int,
    ) -> None:
        key = ((at or "")[:10], currency or "", kind or "")
        total = self._totals.setdefault(key, [0, 0, 0])
        total[0] += count
        total[1] += volume
        total[2] += declined

    def compare(
        self, connection: psycopg.Connection[Any], checkpoint: int, findings: Findings
    ) -> None:
        """Compare with the read model; a sum does not tell which payment of the day is wrong."""
        missing = dict(self._totals)
        for rows in chunks(connection, "daily_totals", TOTALS):
            for day, currency, kind, *found in rows:
                total = missing.pop((day, currency, kind), None)
                name = f"{day} {currency} {kind}"
                if total is None:
                    findings.unasked(checkpoint, "daily_totals", name)
                else:
                    findings.compare(checkpoint, "daily_totals", name, TOTAL_FIELDS, total, found)
        for key in missing:
            findings.missing(checkpoint, "daily_totals", " ".join(key))


def _head_of(wallet: Wallet) -> Row:
    return (
        wallet.version,
        wallet.opened.kind,
        wallet.opened.currency,
        wallet.opened.owner,
        wallet.posted,
        wallet.held,
        wallet.overdraft_limit,
        wallet.frozen_by_member,
        wallet.frozen_by_operator,
        wallet.closed,
        _members(wallet),
        wallet.per_payment,
        wallet.per_day,
        wallet.approvals_required,
        wallet.approvals_above,
        wallet.spent_on,
        wallet.spent,
    )


def _members(wallet: Wallet) -> str | None:
    """Return the members as a head keeps them: none where the owner is the only one."""
    owner = wallet.opened.owner
    if wallet.members == ({} if owner is None else {owner: "owner"}):
        return None
    # Names in order and no spaces, as in RFC 8785.
    return json.dumps(wallet.members, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _balance_of(wallet: Wallet) -> Row:
    opened = wallet.opened
    return (
        wallet.opened_position,
        wallet.opened_recorded,
        wallet.position,
        wallet.posted,
        wallet.held,
        wallet.overdraft_limit,
        wallet.frozen_by_member,
        wallet.frozen_by_operator,
        wallet.closed,
        opened.kind,
        opened.account_class,
        opened.currency,
        opened.owner,
        opened.name,
        opened.reference,
        wallet.per_payment,
        wallet.per_day,
        wallet.approvals_required,
        wallet.approvals_above,
    )

"""The statements of the write path, in the order in which a batch sends them."""

from typing import LiteralString

BEGIN: LiteralString = "BEGIN ISOLATION LEVEL READ COMMITTED"

COMMIT: LiteralString = "COMMIT"

# One table, in id order: a join under FOR UPDATE may return rows as they were before the wait,
# and another order than every other transaction's would deadlock. Days go to and fro as numbers,
# as the driver reads dates in Python.
LOCK_HEADS: LiteralString = """
SELECT id, version, posted, held, spent_on - 'epoch'::date, spent, kind, currency, owner,
       members, overdraft_limit, per_payment, per_day, approvals_required, approvals_above,
       frozen_by_member, frozen_by_operator, closed
FROM wallet_head WHERE id = ANY(%b::uuid[]) ORDER BY id FOR UPDATE
"""

# A statement of its own, after the locks: its snapshot sees all that other transactions
# committed on the locked wallets, and its clock is read under the locks.
READ_CLOCK: LiteralString = """
SELECT clock_timestamp(),
       (SELECT recorded_at FROM events ORDER BY notification_id DESC LIMIT 1),
       (SELECT max(through)::text FROM closed_period)
"""

READ_ANSWERS: LiteralString = """
SELECT originator_id, topic, state, metadata, notification_id, recorded_at
FROM events WHERE originator_id = ANY(%b::uuid[]) AND originator_version = 1
"""

READ_LASTS: LiteralString = """
SELECT s.id, e.originator_version, e.topic, e.state
FROM unnest(%b::uuid[]) AS s (id)
CROSS JOIN LATERAL (
    SELECT originator_version, topic, state FROM events
    WHERE originator_id = s.id ORDER BY originator_version DESC LIMIT 1) AS e
"""

MOVE_HEADS: LiteralString = """
UPDATE wallet_head AS h
SET version = n.version, posted = n.posted, held = n.held,
    spent_on = 'epoch'::date + n.spent_on::int, spent = n.spent
FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[])
    AS n (id, version, posted, held, spent_on, spent)
WHERE h.id = n.id
"""

CHANGE_RULES: LiteralString = """
UPDATE wallet_head AS h
SET members = n.members, overdraft_limit = n.overdraft_limit,
    per_payment = n.per_payment, per_day = n.per_day,
    approvals_required = n.approvals_required, approvals_above = n.approvals_above,
    frozen_by_member = n.frozen_by_member, frozen_by_operator = n.frozen_by_operator,
    closed = n.closed
FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[],
            %b::bigint[], %b::boolean[], %b::boolean[], %b::boolean[])
    AS n (id, members, overdraft_limit, per_payment, per_day, approvals_required,
          approvals_above, frozen_by_member, frozen_by_operator, closed)
WHERE h.id = n.id
"""

# New heads in id order: two processes that open the same wallets in opposite order would deadlock.
OPEN_HEADS: LiteralString = """
INSERT INTO wallet_head (id, version, posted, held, spent_on, spent, members, overdraft_limit,
                         per_payment, per_day, approvals_required, approvals_above,
                         frozen_by_member, frozen_by_operator, closed, kind, currency, owner)
SELECT n.id, n.version, n.posted, n.held, 'epoch'::date + n.spent_on::int, n.spent, n.members,
       n.overdraft_limit, n.per_payment, n.per_day, n.approvals_required, n.approvals_above,
       n.frozen_by_member, n.frozen_by_operator, n.closed, n.kind, n.currency, n.owner
FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[],
            %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[],
            %b::boolean[], %b::boolean[], %b::boolean[],
            %b::text[], %b::text[], %b::text[])
    AS n (id, version, posted, held, spent_on, spent, members, overdraft_limit, per_payment,
          per_day, approvals_required, approvals_above, frozen_by_member, frozen_by_operator,
          closed, kind, currency, owner)
ORDER BY n.id
"""

CLOSE_PERIODS: LiteralString = """
INSERT INTO closed_period (through, stream)
SELECT p.through::date, p.stream FROM unnest(%b::text[], %b::uuid[]) AS p (through, stream)
"""

APPEND: LiteralString = """
SELECT first_position, recorded FROM append(
    %b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bytea[], %s, %s, %s::text::date)
"""

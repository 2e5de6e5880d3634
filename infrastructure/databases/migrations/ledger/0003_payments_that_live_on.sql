-- What decisions need of a wallet since there are members, limits and approvals. `members` is JSON
-- with its keys in order, and null where the owner is the only one; `spent` counts for the day
-- `spent_on` (UTC) and no other, and not beyond 9 * 10^18.

ALTER TABLE wallet_head
    ADD COLUMN members text,
    ADD COLUMN per_payment bigint,
    ADD COLUMN per_day bigint,
    ADD COLUMN approvals_required bigint NOT NULL DEFAULT 0,
    ADD COLUMN approvals_above bigint NOT NULL DEFAULT 0,
    ADD COLUMN spent_on date,
    ADD COLUMN spent bigint NOT NULL DEFAULT 0;

-- What was spent before counts as if there had always been limits: a head is what a fold of all
-- events gives, and until now only debits counted.
UPDATE wallet_head AS h SET spent_on = last.day, spent = last.spent
FROM (
    SELECT DISTINCT ON (d.id) d.id, d.day, least(d.spent, 9000000000000000000)::bigint AS spent
    FROM (
        SELECT originator_id AS id, (recorded_at AT TIME ZONE 'UTC')::date AS day,
               sum((convert_from(state, 'UTF8')::json ->> 'amount')::numeric) AS spent
        FROM events WHERE topic = 'wallet.debited.v1'
        GROUP BY 1, 2) AS d
    ORDER BY d.id, d.day DESC) AS last
WHERE h.id = last.id;

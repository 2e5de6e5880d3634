-- What decisions need of a wallet since there are members, limits and approvals. `members` is JSON with
-- its keys in order, and null where the owner is the only one; `spent` counts for the day `spent_on` (UTC) and no other.
-- What was spent before on the very day of this change is not counted: there were no limits yet.

ALTER TABLE wallet_head
    ADD COLUMN members text,
    ADD COLUMN per_payment bigint,
    ADD COLUMN per_day bigint,
    ADD COLUMN approvals_required bigint NOT NULL DEFAULT 0,
    ADD COLUMN approvals_above bigint NOT NULL DEFAULT 0,
    ADD COLUMN spent_on date,
    ADD COLUMN spent bigint NOT NULL DEFAULT 0;

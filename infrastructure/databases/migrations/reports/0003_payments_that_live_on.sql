-- Members, limits, approvals, and payments that change after they have begun. What was built before
-- is built again, as its projections have a new version.

ALTER TABLE balances
    ADD COLUMN per_payment bigint,
    ADD COLUMN per_day bigint,
    ADD COLUMN approvals_required bigint NOT NULL DEFAULT 0,
    ADD COLUMN approvals_above bigint NOT NULL DEFAULT 0;

-- Who has which role in which wallet.
CREATE TABLE members (
    wallet_id text NOT NULL,
    user_id text NOT NULL,
    role text NOT NULL,
    opened_position bigint NOT NULL,
    PRIMARY KEY (wallet_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id, opened_position);

-- Of a payment with many legs both wallets are null, and `payment_legs` has them. `began_as` is the
-- status before the first change, null as long as there was none. `uncaptured` is what a hold
-- still holds.
ALTER TABLE payments
    ALTER COLUMN source_wallet_id DROP NOT NULL,
    ALTER COLUMN destination_wallet_id DROP NOT NULL,
    ADD COLUMN began_as text,
    ADD COLUMN captured bigint NOT NULL DEFAULT 0,
    ADD COLUMN uncaptured bigint NOT NULL DEFAULT 0,
    ADD COLUMN refunded bigint NOT NULL DEFAULT 0,
    ADD COLUMN refundable bigint NOT NULL DEFAULT 0,
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN original_payment_id text,
    ADD COLUMN requested_by text,
    ADD COLUMN approved_by text[],
    ADD COLUMN quorums json;
CREATE INDEX payments_that_wait ON payments (expires_at)
    WHERE status IN ('authorized', 'awaiting-approval');
CREATE INDEX payments_that_hold ON payments (source_wallet_id, position)
    WHERE status IN ('authorized', 'awaiting-approval');

CREATE TABLE payment_legs (
    payment_id text NOT NULL,
    leg integer NOT NULL,
    position bigint NOT NULL,
    amount bigint NOT NULL,
    source_wallet_id text NOT NULL,
    destination_wallet_id text NOT NULL,
    currency text NOT NULL,
    PRIMARY KEY (payment_id, leg)
);
CREATE INDEX payment_legs_by_source ON payment_legs (source_wallet_id, position);
CREATE INDEX payment_legs_by_destination ON payment_legs (destination_wallet_id, position);

-- What a payment came to after it had begun; `position` and `recorded_at` are those of the event.
CREATE TABLE payment_steps (
    position bigint PRIMARY KEY,
    payment_id text NOT NULL,
    status text NOT NULL,
    amount bigint,
    recorded_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL
);
CREATE INDEX payment_steps_by_payment ON payment_steps (payment_id, position);

GRANT SELECT, INSERT, UPDATE, DELETE ON members, payment_legs, payment_steps TO falconpay_projector;
GRANT SELECT ON members, payment_legs, payment_steps TO falconpay_query, falconpay_reader;

-- The read models of one ledger: rebuildable tables, and how far each projection has come.
-- Identifiers are kept as the text that answers show, times as the moments that events bear.

-- `event_id` and `recorded_at` are those of the event at `position`, so that a store which was
-- restored and has grown again is noticed. `state` is following, catching-up, diverged or stopped.
CREATE TABLE checkpoint (
    projection text PRIMARY KEY,
    version integer NOT NULL,
    store uuid NOT NULL,
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    event_id text,
    recorded_at timestamptz,
    state text NOT NULL DEFAULT 'following',
    reason text,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- One row a wallet; `position` is that of the last event which changed the row.
CREATE TABLE balances (
    wallet_id text PRIMARY KEY,
    opened_position bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    position bigint NOT NULL,
    posted bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    overdraft_limit bigint,
    frozen_by_member boolean NOT NULL DEFAULT false,
    frozen_by_operator boolean NOT NULL DEFAULT false,
    closed boolean NOT NULL DEFAULT false,
    kind text NOT NULL,
    account_class text NOT NULL,
    currency text NOT NULL,
    owner text,
    name text,
    reference text
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX balances_by_opening ON balances (opened_position);
CREATE INDEX balances_by_owner ON balances (owner, opened_position);
CREATE INDEX balances_by_reference ON balances (reference, opened_position)
    WHERE reference IS NOT NULL;

-- One row for each wallet event that changes posted or held, with both after it. `direction` is
-- null where only held changes. The entry's id follows from the wallet and `version`.
CREATE TABLE entries (
    position bigint PRIMARY KEY,
    version bigint NOT NULL,
    amount bigint NOT NULL,
    posted_after bigint NOT NULL,
    held_after bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    wallet_id text NOT NULL,
    payment_id text NOT NULL,
    counterparty text,
    direction text CHECK (direction IN ('debit', 'credit')),
    currency text NOT NULL,
    description text
);
CREATE INDEX entries_by_wallet ON entries (wallet_id, position);

-- One row a payment; `position` and `recorded_at` are those of the event that began it.
-- recorded_at never goes back along positions, so (recorded_at, position) is the order of both.
CREATE TABLE payments (
    payment_id text PRIMARY KEY,
    position bigint NOT NULL,
    amount bigint NOT NULL,
    available bigint,
    recorded_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    source_wallet_id text NOT NULL,
    destination_wallet_id text NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    failure_code text,
    description text,
    reference text,
    metadata json
);
CREATE INDEX payments_by_time ON payments (recorded_at, position);
CREATE INDEX payments_by_source ON payments (source_wallet_id, position);
CREATE INDEX payments_by_destination ON payments (destination_wallet_id, position);
CREATE INDEX payments_not_completed ON payments (status, position) WHERE status <> 'completed';

-- `count` and `volume` of what completed by value date, `declined` by the day recorded, in UTC.
CREATE TABLE daily_totals (
    date date NOT NULL,
    currency text NOT NULL,
    kind text NOT NULL,
    count bigint NOT NULL,
    volume numeric NOT NULL,
    declined bigint NOT NULL,
    PRIMARY KEY (date, currency, kind)
);

-- Which wallets belong to the trial balance at which position; their balances are in `entries`.
CREATE TABLE trial_balance (
    opened_position bigint PRIMARY KEY,
    wallet_id text NOT NULL,
    currency text NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON checkpoint, balances, entries, payments, daily_totals, trial_balance TO falconpay_projector;
GRANT SELECT ON checkpoint, balances, entries, payments, daily_totals, trial_balance
    TO falconpay_query, falconpay_reader;

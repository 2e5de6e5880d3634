-- Where each wallet's value dates move on: one row for the first entry of each day that is later
-- than all before it, by which an entry's place in the order of value dates is found without
-- adding anything up. Dates are UTC.
CREATE TABLE value_days (
    wallet_id text NOT NULL,
    value_date date NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (wallet_id, value_date)
);
CREATE UNIQUE INDEX value_days_by_position ON value_days (position);

-- The entries whose value date lies before that of an earlier one of their wallet; `amount` is
-- below zero for money that went out.
CREATE TABLE late_entries (
    position bigint PRIMARY KEY,
    amount bigint NOT NULL,
    wallet_id text NOT NULL,
    value_date date NOT NULL
);
CREATE INDEX late_entries_by_wallet
    ON late_entries (wallet_id, value_date, position) INCLUDE (amount);

GRANT SELECT, INSERT, UPDATE, DELETE ON value_days, late_entries TO falconpay_projector;
GRANT SELECT ON value_days, late_entries TO falconpay_query, falconpay_reader;

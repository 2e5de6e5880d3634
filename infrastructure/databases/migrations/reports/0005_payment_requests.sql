-- One row a payment request; `position` and `recorded_at` are those of the event that began it.
-- What is open past `expires_at` has ended, and no event says so.
CREATE TABLE payment_requests (
    request_id text PRIMARY KEY,
    position bigint NOT NULL,
    amount bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    wallet_id text NOT NULL,
    requested_by text NOT NULL,
    payer text,
    currency text NOT NULL,
    status text NOT NULL,
    payment_id text,
    ended_by text,
    description text
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payment_requests_by_position ON payment_requests (position);
CREATE INDEX payment_requests_by_wallet ON payment_requests (wallet_id, position);
CREATE INDEX payment_requests_by_payer ON payment_requests (payer, position)
    WHERE payer IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON payment_requests TO falconpay_projector;
GRANT SELECT ON payment_requests TO falconpay_query, falconpay_reader;

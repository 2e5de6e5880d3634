-- What was declined for which reason, by the day recorded in UTC; `volume` was asked for.
CREATE TABLE declines (
    date date NOT NULL,
    currency text NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    count bigint NOT NULL,
    volume numeric NOT NULL,
    PRIMARY KEY (date, currency, kind, code)
);

-- One row for each event that tells who gave its command. `actor` is a hash of who it was, so that
-- the one index that every command costs is short. Wallet and payment are named where the command
-- leaves no event of theirs by which it could be found.
CREATE TABLE audit_trail (
    actor bigint NOT NULL,
    position bigint NOT NULL,
    wallet_id text,
    payment_id text,
    PRIMARY KEY (actor, position)
);
CREATE INDEX audit_trail_by_wallet ON audit_trail (wallet_id, position)
    WHERE wallet_id IS NOT NULL;
CREATE INDEX audit_trail_by_payment ON audit_trail (payment_id, position)
    WHERE payment_id IS NOT NULL;
CREATE INDEX payments_by_reference ON payments (reference, position)
    WHERE reference IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON declines, audit_trail TO falconpay_projector;
GRANT SELECT ON declines, audit_trail TO falconpay_query, falconpay_reader;

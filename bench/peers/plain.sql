-- A ledger of plain tables: one function a transfer, both accounts locked in one order, and two
-- entries with the balance after them. Nothing is kept for retries, events or rebuilding.
CREATE SCHEMA plain;
CREATE TABLE plain.account (
    id bigint PRIMARY KEY,
    currency text NOT NULL,
    balance bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE TABLE plain.transfer (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    source bigint NOT NULL REFERENCES plain.account,
    destination bigint NOT NULL REFERENCES plain.account,
    amount bigint NOT NULL CHECK (amount > 0),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE plain.entry (
    account bigint NOT NULL REFERENCES plain.account,
    version bigint NOT NULL,
    transfer uuid NOT NULL REFERENCES plain.transfer,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    PRIMARY KEY (account, version)
);
CREATE INDEX entry_by_transfer ON plain.entry (transfer);

CREATE FUNCTION plain.move(moved_account bigint, change bigint, made uuid) RETURNS void
LANGUAGE sql AS $$
    WITH moved AS (
        UPDATE plain.account SET balance = balance + change, version = version + 1
        WHERE id = moved_account RETURNING id, version, balance)
    INSERT INTO plain.entry SELECT id, version, made, change, balance FROM moved
$$;

CREATE FUNCTION plain.transfer(paying bigint, paid bigint, amount bigint) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    made uuid;
BEGIN
    PERFORM 1 FROM plain.account WHERE id IN (paying, paid) ORDER BY id FOR UPDATE;
    IF (SELECT count(DISTINCT currency) FROM plain.account WHERE id IN (paying, paid)) <> 1 THEN
        RAISE EXCEPTION 'the accounts are not of one currency';
    END IF;
    INSERT INTO plain.transfer (source, destination, amount)
    VALUES (paying, paid, amount) RETURNING id INTO made;
    PERFORM plain.move(paying, -amount, made);
    PERFORM plain.move(paid, amount, made);
    RETURN made;
END $$;

INSERT INTO plain.account (id, currency) SELECT n, 'EUR' FROM generate_series(1, 1000) AS n;
ANALYZE plain.account;

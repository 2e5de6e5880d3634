-- The epoch of the ledger whose events the rows are made of; a later one begins them anew.
ALTER TABLE checkpoint ADD COLUMN epoch integer NOT NULL DEFAULT 1;

-- After a restore to an older state positions are used again, for other events. An epoch is the
-- time between two such restores: each has a topic of its own, and read models of its own.

CREATE TABLE epoch (
    number integer PRIMARY KEY CHECK (number > 0),
    after_position bigint NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO epoch (number, after_position) VALUES (1, 0);

CREATE TRIGGER epochs_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON epoch
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE epoch ENABLE ALWAYS TRIGGER epochs_are_immutable;

GRANT SELECT ON epoch TO
    falconpay_command, falconpay_relay, falconpay_projector, falconpay_audit, falconpay_reader;

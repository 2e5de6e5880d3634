-- Periods that are closed for value dates. A row is stored with the event that says the same, and
-- is found by its last day without reading events.

CREATE TABLE closed_period (
    through date PRIMARY KEY,
    stream uuid NOT NULL UNIQUE
);
CREATE TRIGGER closed_periods_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON closed_period
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE closed_period ENABLE ALWAYS TRIGGER closed_periods_are_immutable;

DROP FUNCTION append(uuid[], bigint[], text[], bytea[], bytea[], timestamptz, timestamptz);

-- As before, and it refuses what was decided while other periods were closed than are now. Who
-- closes one holds this lock until COMMIT, so nothing slips in between.
CREATE FUNCTION append(
    ids uuid[], versions bigint[], topics text[], states bytea[], metadatas bytea[],
    decided_at timestamptz, valid_before timestamptz, closed_through date DEFAULT NULL,
    OUT first_position bigint, OUT recorded timestamptz
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    last_position bigint;
    last_recorded timestamptz;
    last_closed date;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append needs READ COMMITTED' USING ERRCODE = 'FP002';
    END IF;
    PERFORM pg_advisory_xact_lock('events'::regclass::oid::bigint);
    SELECT e.notification_id, e.recorded_at INTO last_position, last_recorded
        FROM events e ORDER BY e.notification_id DESC LIMIT 1;
    SELECT max(p.through) INTO last_closed FROM closed_period p;
    first_position := coalesce(last_position, 0) + 1;
    recorded := greatest(decided_at, last_recorded);
    IF recorded >= valid_before OR last_closed IS DISTINCT FROM closed_through THEN
        RAISE EXCEPTION 'what was decided is not valid any more' USING ERRCODE = 'FP001';
    END IF;
    INSERT INTO events
        (originator_id, originator_version, topic, state, notification_id, metadata, recorded_at)
    SELECT e.id, e.version, e.topic, e.state, first_position + e.place - 1, e.metadata, recorded
    FROM unnest(ids, versions, topics, states, metadatas)
        WITH ORDINALITY AS e (id, version, topic, state, metadata, place);
END $$;

DO $$
DECLARE
    f text := 'append(uuid[], bigint[], text[], bytea[], bytea[], timestamptz, timestamptz, date)';
BEGIN
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
END $$;

GRANT EXECUTE ON FUNCTION
    append(uuid[], bigint[], text[], bytea[], bytea[], timestamptz, timestamptz, date)
    TO falconpay_command;
GRANT SELECT, INSERT ON closed_period TO falconpay_command;
GRANT SELECT ON closed_period TO
    falconpay_relay, falconpay_projector, falconpay_audit, falconpay_reader;

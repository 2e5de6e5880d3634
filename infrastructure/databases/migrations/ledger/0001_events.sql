-- The event store of one ledger: immutable rows in one dense order, appended by one function.

CREATE TABLE store (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO store DEFAULT VALUES;

CREATE TABLE asset (
    code text PRIMARY KEY CHECK (code ~ '^[A-Z][A-Z0-9]{2,11}$'),
    digits smallint NOT NULL CHECK (digits BETWEEN 0 AND 18)
);

CREATE TABLE events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL CHECK (originator_version > 0),
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint NOT NULL CHECK (notification_id > 0),
    metadata bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT events_stream UNIQUE (originator_id, originator_version),
    CONSTRAINT events_position PRIMARY KEY (notification_id)
);
ALTER TABLE events ALTER COLUMN state SET STORAGE MAIN;

CREATE TABLE wallet_head (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    owner text,
    posted bigint NOT NULL,
    held bigint NOT NULL,
    overdraft_limit bigint,
    frozen_by_member boolean NOT NULL,
    frozen_by_operator boolean NOT NULL,
    closed boolean NOT NULL
) WITH (fillfactor = 70);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are immutable: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER events_rows_are_immutable BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER store_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON store
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_rows_are_immutable;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_immutable;
ALTER TABLE store ENABLE ALWAYS TRIGGER store_is_immutable;

-- The lock is a statement of its own: under READ COMMITTED the next one then sees all that was
-- committed before the lock was given. Callers make this the last statement before COMMIT.
CREATE FUNCTION append(
    ids uuid[], versions bigint[], topics text[], states bytea[], metadatas bytea[],
    decided_at timestamptz, valid_before timestamptz,
    OUT first_position bigint, OUT recorded timestamptz
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    last_position bigint;
    last_recorded timestamptz;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append needs READ COMMITTED' USING ERRCODE = 'FP002';
    END IF;
    PERFORM pg_advisory_xact_lock('events'::regclass::oid::bigint);
    SELECT e.notification_id, e.recorded_at INTO last_position, last_recorded
        FROM events e ORDER BY e.notification_id DESC LIMIT 1;
    first_position := coalesce(last_position, 0) + 1;
    recorded := greatest(decided_at, last_recorded);
    IF recorded >= valid_before THEN
        RAISE EXCEPTION 'what was decided is not valid any more' USING ERRCODE = 'FP001';
    END IF;
    INSERT INTO events
        (originator_id, originator_version, topic, state, notification_id, metadata, recorded_at)
    SELECT e.id, e.version, e.topic, e.state, first_position + e.place - 1, e.metadata, recorded
    FROM unnest(ids, versions, topics, states, metadatas)
        WITH ORDINALITY AS e (id, version, topic, state, metadata, place);
END $$;

-- The last position recorded at or before a time, 0 when there is none. recorded_at never goes
-- back along positions and positions are dense, so a binary search needs no index of its own.
CREATE FUNCTION position_at(at timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
BEGIN
    SELECT coalesce(max(notification_id), 0) INTO high FROM events;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT e.recorded_at FROM events e WHERE e.notification_id = middle) <= at THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;

DO $$
DECLARE
    f text;
BEGIN
    FOREACH f IN ARRAY ARRAY[
        'refuse_change()', 'position_at(timestamptz)',
        'append(uuid[], bigint[], text[], bytea[], bytea[], timestamptz, timestamptz)'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;

GRANT EXECUTE ON FUNCTION
    append(uuid[], bigint[], text[], bytea[], bytea[], timestamptz, timestamptz)
    TO falconpay_command;
GRANT EXECUTE ON FUNCTION position_at(timestamptz)
    TO falconpay_command, falconpay_relay, falconpay_projector, falconpay_audit, falconpay_reader;
GRANT SELECT ON events, store, asset, wallet_head TO falconpay_command;
GRANT INSERT, UPDATE ON wallet_head TO falconpay_command;
GRANT SELECT ON events, store, asset TO
    falconpay_relay, falconpay_projector, falconpay_audit;
GRANT SELECT ON wallet_head TO falconpay_audit;
GRANT SELECT ON events, store, asset, wallet_head TO falconpay_reader;

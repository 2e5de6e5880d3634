-- Events that have left for an archive. Of each of them the ledger keeps where it stood and its
-- leaf in the tree that seals sign, so nothing else can be read back in its place.

-- Where what was moved is read from: the last row that reaches up to a position tells its place.
CREATE TABLE archive_place (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL,
    last_position bigint NOT NULL CHECK (last_position > 0),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE moved_event (
    notification_id bigint PRIMARY KEY,
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    leaf bytea NOT NULL CHECK (octet_length(leaf) = 32),
    CONSTRAINT moved_event_stream UNIQUE (originator_id, originator_version)
);

-- What a wallet's movements have changed is in its head and in read models, and the payment that
-- tells of them stays; nothing that is decided reads them again.
CREATE FUNCTION movable(topic text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT topic IN (
        'wallet.credited.v1', 'wallet.debited.v1', 'wallet.funds_held.v1',
        'wallet.hold_captured.v1', 'wallet.hold_released.v1')
$$;

CREATE FUNCTION refuse_unmovable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM events e
        WHERE e.notification_id = NEW.notification_id AND e.originator_id = NEW.originator_id
            AND e.originator_version = NEW.originator_version AND movable(e.topic)
    ) OR NEW.notification_id >= (SELECT max(e.notification_id) FROM events e) THEN
        RAISE EXCEPTION 'position % is not one that may be moved', NEW.notification_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_unmoved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT movable(OLD.topic) OR NOT EXISTS (
        SELECT FROM moved_event m
        WHERE m.notification_id = OLD.notification_id AND m.originator_id = OLD.originator_id
            AND m.originator_version = OLD.originator_version
    ) THEN
        RAISE EXCEPTION 'events are immutable: DELETE of position % is refused', OLD.notification_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END $$;

DROP TRIGGER events_rows_are_immutable ON events;
DROP TRIGGER events_are_immutable ON events;
CREATE TRIGGER events_rows_are_immutable BEFORE UPDATE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_immutable BEFORE UPDATE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_leave_when_moved BEFORE DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_unmoved();
CREATE TRIGGER moved_events_were_there BEFORE INSERT ON moved_event
    FOR EACH ROW EXECUTE FUNCTION refuse_unmovable();
CREATE TRIGGER moved_events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON moved_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER archive_places_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_place
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_rows_are_immutable;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_immutable;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_leave_when_moved;
ALTER TABLE moved_event ENABLE ALWAYS TRIGGER moved_events_were_there;
ALTER TABLE moved_event ENABLE ALWAYS TRIGGER moved_events_are_immutable;
ALTER TABLE archive_place ENABLE ALWAYS TRIGGER archive_places_are_immutable;

-- Who holds this lock moves events; a function of its own, as for the sealer.
CREATE FUNCTION take_move_lock() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS $$
    SELECT pg_try_advisory_lock('moved_event'::regclass::oid::bigint);
$$;

-- Takes out what an archive that is on record has, and what is sealed; returns how much it was.
-- All of it goes or nothing.
CREATE FUNCTION move_events(positions bigint[], leaves bytea[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    moved bigint;
BEGIN
    IF EXISTS (
        SELECT FROM unnest(positions) AS w (position)
        WHERE w.position > coalesce((SELECT max(p.last_position) FROM archive_place p), 0)
            OR w.position > coalesce((
                SELECT max(s.size) FROM seal s
                WHERE s.epoch = (SELECT max(e.number) FROM epoch e)), 0)
    ) THEN
        RAISE EXCEPTION 'only what is sealed and archived may be moved'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO moved_event (notification_id, originator_id, originator_version, leaf)
    SELECT e.notification_id, e.originator_id, e.originator_version, w.leaf
    FROM unnest(positions, leaves) AS w (position, leaf)
    JOIN events e ON e.notification_id = w.position
    ORDER BY e.notification_id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    DELETE FROM events e WHERE e.notification_id = ANY (positions);
    RETURN moved;
END $$;

-- As before; where an event was moved, the one before it tells the time. What is moved was
-- recorded together with the event of its command that stays.
CREATE OR REPLACE FUNCTION position_at(at timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
BEGIN
    SELECT coalesce(max(notification_id), 0) INTO high FROM events;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT e.recorded_at FROM events e WHERE e.notification_id <= middle
            ORDER BY e.notification_id DESC LIMIT 1) <= at THEN
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
        'movable(text)', 'refuse_unmovable()', 'refuse_unmoved()',
        'take_move_lock()', 'move_events(bigint[], bytea[])', 'position_at(timestamptz)'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;

GRANT EXECUTE ON FUNCTION take_move_lock(), move_events(bigint[], bytea[]) TO falconpay_archiver;
GRANT SELECT, INSERT ON archive_place TO falconpay_archiver;
GRANT SELECT ON events, store, epoch, moved_event TO falconpay_archiver;
GRANT SELECT ON archive_place, moved_event TO
    falconpay_relay, falconpay_projector, falconpay_sealer, falconpay_audit, falconpay_reader;

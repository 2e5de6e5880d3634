-- Seals: how far the log was signed, by which keys, and the roots of its full tiles of 256 hashes.
-- What is below a full tile is in the events, so nothing is stored twice. An epoch is a log of its
-- own.

CREATE TABLE seal_tile (
    epoch integer NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 6),
    number bigint NOT NULL CHECK (number >= 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    PRIMARY KEY (epoch, level, number)
);

CREATE TABLE seal (
    epoch integer NOT NULL,
    size bigint NOT NULL CHECK (size > 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    checkpoint text NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (epoch, size)
);

-- From which seal on a key has signed; it signs until the next one has, that seal included.
CREATE TABLE seal_key (
    vkey text PRIMARY KEY,
    epoch integer NOT NULL,
    from_size bigint NOT NULL CHECK (from_size > 0),
    place integer NOT NULL
);

CREATE FUNCTION refuse_older_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM seal s WHERE s.epoch = NEW.epoch AND s.size >= NEW.size) THEN
        RAISE EXCEPTION 'there is a seal up to % or further', NEW.size
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- Who holds this lock seals; a function of its own, so that the sealer can take no other lock.
CREATE FUNCTION take_seal_lock() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS $$
    SELECT pg_try_advisory_lock('seal'::regclass::oid::bigint);
$$;

CREATE TRIGGER seals_grow BEFORE INSERT ON seal
    FOR EACH ROW EXECUTE FUNCTION refuse_older_seal();
DO $$
DECLARE
    t text;
    f text;
BEGIN
    FOREACH t IN ARRAY ARRAY['seal_tile', 'seal', 'seal_key'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %1$s_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON %1$I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
        EXECUTE format('ALTER TABLE %1$I ENABLE ALWAYS TRIGGER %1$s_is_immutable', t);
    END LOOP;
    ALTER TABLE seal ENABLE ALWAYS TRIGGER seals_grow;
    FOREACH f IN ARRAY ARRAY['refuse_older_seal()', 'take_seal_lock()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;

GRANT EXECUTE ON FUNCTION take_seal_lock() TO falconpay_sealer;
GRANT SELECT ON events, store, epoch TO falconpay_sealer;
GRANT SELECT, INSERT ON seal_tile, seal, seal_key TO falconpay_sealer;
GRANT SELECT ON seal_tile, seal, seal_key TO falconpay_audit, falconpay_reader;

-- A read model is built again beside its live tables: in a schema of its own, whose tables have
-- the names, columns, rights and indexes of the live ones, and with a checkpoint of its own. A
-- projector may neither make tables nor exchange them, so functions of the owner do it for it.

-- The schema in which the tables of a read model are built (`new`), or stay after they were
-- exchanged (`old`).
CREATE FUNCTION rebuild_schema(model text, age text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    place text := current_schema() || '__' || age || '_' || model;
BEGIN
    IF model !~ '^[a-z][a-z0-9_]*$' OR age NOT IN ('new', 'old') OR length(place) > 63 THEN
        RAISE EXCEPTION 'no read model can be named %', model;
    END IF;
    RETURN place;
END $$;

-- Makes a table as the live one is; of its indexes it has those that are constraints.
CREATE FUNCTION make_rebuild_table(place text, named text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    live regclass := format('%I.%I', current_schema(), named)::regclass;
    made text := format('%I.%I', place, named);
    statement text;
BEGIN
    EXECUTE format(
        'CREATE TABLE %s (LIKE %I.%I INCLUDING ALL EXCLUDING INDEXES)',
        made, current_schema(), named);
    FOR statement IN
        SELECT format('ALTER TABLE %s SET (%s)', made, array_to_string(c.reloptions, ', '))
        FROM pg_class c WHERE c.oid = live AND c.reloptions IS NOT NULL
        UNION ALL
        SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', made, k.conname,
            pg_get_constraintdef(k.oid))
        FROM pg_constraint k WHERE k.conrelid = live AND k.contype IN ('p', 'u', 'x')
        UNION ALL
        SELECT format('GRANT %s ON %s TO %I', string_agg(a.privilege_type, ', '), made, r.rolname)
        FROM pg_class c, aclexplode(c.relacl) AS a JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.oid = live AND a.grantee <> c.relowner
        GROUP BY r.rolname
    LOOP
        EXECUTE statement;
    END LOOP;
END $$;

-- Gives tables that have been built those indexes of the live ones that they lack; some, or all.
CREATE FUNCTION make_rebuild_indexes(model text, tables text[], wanted text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    place text := rebuild_schema(model, 'new');
    statement text;
BEGIN
    FOR statement IN
        SELECT regexp_replace(pg_get_indexdef(i.indexrelid), ' ON \S+ USING ',
            format(' ON %I.%I USING ', place, t.relname))
        FROM pg_index i
            JOIN pg_class t ON t.oid = i.indrelid
            JOIN pg_class x ON x.oid = i.indexrelid
        WHERE t.relnamespace = quote_ident(current_schema())::regnamespace
            AND t.relname = ANY (tables)
            AND (wanted IS NULL OR x.relname = ANY (wanted))
            AND to_regclass(format('%I.%I', place, x.relname)) IS NULL
        ORDER BY x.relname
    LOOP
        EXECUTE statement;
    END LOOP;
END $$;

-- Makes the schema with empty tables, or finds the one that a rebuild has left behind, unless the
-- live tables have been migrated since or it is to begin afresh; returns its name.
CREATE FUNCTION begin_rebuild(model text, tables text[], wanted text[], afresh boolean)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    live text := quote_ident(current_schema());
    place text := rebuild_schema(model, 'new');
    shape text := (SELECT max(m.number)::text FROM schema_migration m);
    named text;
BEGIN
    -- What a projector may not write is none of a read model's tables.
    FOREACH named IN ARRAY tables LOOP
        IF named = 'checkpoint' OR NOT coalesce(has_table_privilege(
            'falconpay_projector'::name,
            to_regclass(live || '.' || quote_ident(named))::oid, 'INSERT'), false)
        THEN
            RAISE EXCEPTION 'no read model has the table %', named;
        END IF;
    END LOOP;
    IF to_regnamespace(quote_ident(place)) IS NOT NULL THEN
        IF NOT afresh AND shape = obj_description(
            to_regnamespace(quote_ident(place)), 'pg_namespace') THEN
            RETURN place;
        END IF;
        EXECUTE format('DROP SCHEMA %I CASCADE', place);
    END IF;
    EXECUTE format('CREATE SCHEMA %I', place);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', place, shape);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO falconpay_projector, falconpay_reader', place);
    FOREACH named IN ARRAY array_append(tables, 'checkpoint') LOOP
        PERFORM make_rebuild_table(place, named);
    END LOOP;
    PERFORM make_rebuild_indexes(model, tables, wanted);
    RETURN place;
END $$;

-- Makes what was built complete: every index, and what the planner knows of tables in use.
CREATE FUNCTION complete_rebuild(model text, tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    place text := rebuild_schema(model, 'new');
    named text;
BEGIN
    PERFORM make_rebuild_indexes(model, tables, NULL);
    FOREACH named IN ARRAY tables LOOP
        EXECUTE format('ANALYZE %I.%I', place, named);
    END LOOP;
END $$;

-- Exchanges the tables in the caller's transaction, which both stand at one position or fails. What
-- was kept from an exchange before is dropped.
CREATE FUNCTION switch_rebuild(model text, tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    live text := current_schema();
    built text := rebuild_schema(model, 'new');
    kept text := rebuild_schema(model, 'old');
    named text;
    moved bigint;
BEGIN
    -- The checkpoint comes first, as in every transaction that writes rows.
    EXECUTE format(
        'UPDATE checkpoint c SET version = n.version, reason = NULL, updated_at = clock_timestamp()'
        ' FROM %I.checkpoint n WHERE c.projection = $1 AND n.projection = $1'
        ' AND c.version <= n.version AND c.store = n.store AND c.epoch = n.epoch'
        ' AND c.position = n.position AND c.event_id IS NOT DISTINCT FROM n.event_id'
        ' AND c.recorded_at IS NOT DISTINCT FROM n.recorded_at', built) USING model;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> 1 THEN
        RAISE EXCEPTION 'the new rows of % do not stand where the live ones do', model;
    END IF;
    -- All locks at once: who waits for one of them holds none of the others.
    EXECUTE (SELECT format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE',
        string_agg(format('%I.%I', live, t.named), ', ')) FROM unnest(tables) AS t (named));
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', kept);
    EXECUTE format('CREATE SCHEMA %I', kept);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO falconpay_reader', kept);
    FOREACH named IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE %I.%I SET SCHEMA %I', live, named, kept);
        EXECUTE format('ALTER TABLE %I.%I SET SCHEMA %I', built, named, live);
    END LOOP;
    EXECUTE format('DROP SCHEMA %I CASCADE', built);
END $$;

-- Drops what was kept from before the last exchange and what a rebuild has left; returns which.
CREATE FUNCTION drop_rebuild(model text) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    age text;
    dropped text[] := '{}';
BEGIN
    FOREACH age IN ARRAY ARRAY['old', 'new'] LOOP
        IF to_regnamespace(quote_ident(rebuild_schema(model, age))) IS NOT NULL THEN
            EXECUTE format('DROP SCHEMA %I CASCADE', rebuild_schema(model, age));
            dropped := array_append(dropped, age);
        END IF;
    END LOOP;
    RETURN dropped;
END $$;

DO $$
DECLARE
    f text;
BEGIN
    FOREACH f IN ARRAY ARRAY[
        'rebuild_schema(text, text)', 'make_rebuild_table(text, text)',
        'make_rebuild_indexes(text, text[], text[])',
        'begin_rebuild(text, text[], text[], boolean)', 'complete_rebuild(text, text[])',
        'switch_rebuild(text, text[])', 'drop_rebuild(text)'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;

GRANT EXECUTE ON FUNCTION
    begin_rebuild(text, text[], text[], boolean), complete_rebuild(text, text[]),
    switch_rebuild(text, text[]), drop_rebuild(text)
    TO falconpay_projector;

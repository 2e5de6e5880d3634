-- Who has read what is not theirs, by the scope `audit`. This is no read model: no event tells of
-- it, so it is never built again, and whoever writes it can only add to it.
CREATE TABLE access_log (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    accessed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sub text NOT NULL,
    client_id text NOT NULL,
    route text NOT NULL,
    asked json NOT NULL,
    status smallint NOT NULL
);
CREATE INDEX access_log_by_person ON access_log (sub, number);

CREATE FUNCTION refuse_access_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the access log is only added to: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
REVOKE ALL ON FUNCTION refuse_access_change() FROM PUBLIC;
CREATE TRIGGER accesses_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_access_change();
ALTER TABLE access_log ENABLE ALWAYS TRIGGER accesses_are_immutable;

GRANT INSERT (sub, client_id, route, asked, status) ON access_log TO falconpay_accesslog;
GRANT SELECT ON access_log TO falconpay_query, falconpay_reader;

-- The ceiling: so many transfers in one statement each for heads and events, nothing decided,
-- nothing sent by a client. Rows and bytes are those of a real transfer.
CREATE SEQUENCE bench_version START 1000000;
CREATE FUNCTION bench_transfers(transfers int, wallets uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    last_position bigint;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS bench_chosen (
        payment uuid, source uuid, destination uuid, place int
    ) ON COMMIT DELETE ROWS;
    INSERT INTO bench_chosen
    SELECT gen_random_uuid(),
           wallets[1 + floor(random() * cardinality(wallets))::int],
           wallets[1 + floor(random() * cardinality(wallets))::int], n
    FROM generate_series(1, transfers) AS n;
    PERFORM id FROM wallet_head
    WHERE id IN (SELECT source FROM bench_chosen UNION SELECT destination FROM bench_chosen)
    ORDER BY id FOR UPDATE;
    UPDATE wallet_head AS h SET posted = h.posted + c.amount, version = h.version + c.times
    FROM (SELECT id, sum(amount) AS amount, count(*) AS times
          FROM (SELECT source AS id, -1 AS amount FROM bench_chosen
                UNION ALL SELECT destination, 1 FROM bench_chosen) AS legs
          GROUP BY id) AS c
    WHERE h.id = c.id;
    PERFORM pg_advisory_xact_lock('events'::regclass::oid::bigint);
    SELECT coalesce(max(notification_id), 0) INTO last_position FROM events;
    INSERT INTO events
    SELECT stream, nextval('bench_version'), topic,
           convert_to(rpad('{"payment_id":"', bytes, 'x'), 'UTF8'),
           last_position + row_number() OVER (ORDER BY place, leg),
           convert_to(rpad('{"command_id":"', metadata_bytes, 'x'), 'UTF8'), clock_timestamp()
    FROM (SELECT payment AS stream, 'payment.completed.v1' AS topic, 310 AS bytes,
                 280 AS metadata_bytes, place, 1 AS leg FROM bench_chosen
          UNION ALL SELECT source, 'wallet.debited.v1', 170, 68, place, 2 FROM bench_chosen
          UNION ALL SELECT destination, 'wallet.credited.v1', 170, 68, place, 3
          FROM bench_chosen) AS rows;
END $$;

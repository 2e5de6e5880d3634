-- One row a schedule; `position` and `recorded_at` are those of the event that began it. Deleted
-- ones stay, since a rebuild has them too, and are shown to nobody. Dates are UTC.
CREATE TABLE schedules (
    schedule_id text PRIMARY KEY,
    position bigint NOT NULL,
    amount bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    effective_at timestamptz,
    source_wallet_id text NOT NULL,
    destination_wallet_id text NOT NULL,
    currency text NOT NULL,
    description text,
    reference text,
    metadata json,
    starts_on date NOT NULL,
    recurrence text,
    until date,
    count integer,
    if_missed text NOT NULL,
    created_by text NOT NULL,
    status text NOT NULL,
    next_on date,
    done integer NOT NULL,
    attempt integer NOT NULL,
    retry_on date
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX schedules_by_position ON schedules (position);
CREATE INDEX schedules_by_source ON schedules (source_wallet_id, position);
CREATE INDEX schedules_by_due_day ON schedules ((coalesce(retry_on, next_on)), schedule_id)
    WHERE status = 'active';

-- What came of an occurrence when it was tried or missed; `position` is that of the event.
CREATE TABLE schedule_occurrences (
    position bigint PRIMARY KEY,
    schedule_id text NOT NULL,
    occurs_on date NOT NULL,
    attempt integer NOT NULL,
    outcome text NOT NULL,
    payment_id text,
    code text,
    retry_on date,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX schedule_occurrences_by_schedule ON schedule_occurrences (schedule_id, position);

GRANT SELECT, INSERT, UPDATE, DELETE ON schedules, schedule_occurrences TO falconpay_projector;
GRANT SELECT ON schedules, schedule_occurrences TO falconpay_query, falconpay_reader;

-- Webhooks (docs/events.md): how far each endpoint and each of its users is. The jobs are in a schema of
-- their own, which exists only where an endpoint does.
--
-- What older servers leave out: they deliver nothing.

-- +goose Up
SET LOCAL lock_timeout = '5s';

-- A user with events that an endpoint has not got. Who holds the row's lock ends or extends the lane.
CREATE TABLE webhook_lanes (
    endpoint    text    NOT NULL,
    uid         text    NOT NULL,
    sent_seq    bigint  NOT NULL, -- the last event that is delivered or dead: its row of the journal
    sent_index  integer NOT NULL, -- and its place in the row; of all events of the row: 2147483647
    wanted_seq  bigint  NOT NULL, -- the last row with an event for the endpoint
    failures    integer NOT NULL, -- of the next event, in succession
    due         timestamptz NOT NULL, -- its next attempt
    PRIMARY KEY (endpoint, uid)
);

-- Events that no attempt has delivered.
CREATE TABLE webhook_dead (
    endpoint  text    NOT NULL,
    seq       bigint  NOT NULL,
    place     integer NOT NULL, -- in the row of the journal
    uid       text    NOT NULL,
    kind      text    NOT NULL, -- type of the event
    outcome   text    NOT NULL, -- of the last attempt
    died_at   timestamptz NOT NULL,
    PRIMARY KEY (endpoint, seq, place)
);

CREATE TABLE webhook_endpoints (
    endpoint       text NOT NULL PRIMARY KEY,
    failing_since  timestamptz, -- no attempt has succeeded since
    paused_until   timestamptz,
    disabled_at    timestamptz,
    disabled_why   text NOT NULL -- gone, or failing; '' where it is enabled
);

-- +goose Down
DROP TABLE webhook_endpoints;
DROP TABLE webhook_dead;
DROP TABLE webhook_lanes;

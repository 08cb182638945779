-- The journal of writes (docs/journal.md): each write inserts a row into journal_inbox in its own transaction; one
-- server at a time moves the rows to journal and numbers them. Events are read from journal.
--
-- What older servers leave out: they write no rows, and honour no keys.

-- +goose Up
SET LOCAL lock_timeout = '5s';
CREATE TABLE journal_inbox (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- of one user: in the order of commits
    entry   uuid   NOT NULL,
    uid     text,
    record  text   NOT NULL, -- what the server knows before the write
    salt    bytea,
    changed json   NOT NULL
);

CREATE TABLE journal (
    seq        bigint      NOT NULL PRIMARY KEY, -- consecutive
    sealed_at  timestamptz NOT NULL,
    entry      uuid        NOT NULL,
    uid        text,
    written_at timestamptz NOT NULL,
    operation  text        NOT NULL,
    form       text        NOT NULL,
    request_id text        NOT NULL,
    signers    text[]      NOT NULL,
    parameters bytea,
    salt       bytea,      -- not part of the leaf: an erasure sets it to NULL
    proof      json,
    payload    text,
    changed    json        NOT NULL
);
CREATE INDEX journal_uid_seq_idx ON journal (uid, seq);

-- One row. Who holds its lock is the sealer.
CREATE TABLE journal_head (
    id        integer     NOT NULL PRIMARY KEY,
    size      bigint      NOT NULL, -- number of rows ever sealed
    sealed_at timestamptz NOT NULL, -- that of the last row
    pruned    bigint      NOT NULL, -- rows up to this number may be gone
    epoch     integer     NOT NULL, -- counts up with each fork
    CONSTRAINT journal_head_id_check CHECK (id = 1)
);
INSERT INTO journal_head (id, size, sealed_at, pruned, epoch) VALUES (1, 0, 'epoch', 0, 1);

-- The Merkle tree over the rows, in tiles of 256 hashes (golang.org/x/mod/sumdb/tlog).
CREATE TABLE journal_tiles (
    level  integer NOT NULL,
    number bigint  NOT NULL,
    hashes bytea   NOT NULL,
    PRIMARY KEY (level, number)
);

-- Signed tree heads.
CREATE TABLE journal_checkpoints (
    epoch     integer     NOT NULL,
    size      bigint      NOT NULL,
    signed_at timestamptz NOT NULL,
    note      text        NOT NULL,
    PRIMARY KEY (epoch, size)
);

-- The public keys of all signers that there were: a signature can be verified after its key has left the keychain.
CREATE TABLE signer_keys (
    thumbprint text        NOT NULL PRIMARY KEY, -- RFC 7638
    kid        text        NOT NULL,
    algorithm  text        NOT NULL,
    public_key bytea       NOT NULL, -- SubjectPublicKeyInfo, DER
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL
);

-- Keys of requests that must be executed once.
CREATE TABLE idempotency_keys (
    key         bytea       NOT NULL PRIMARY KEY,
    fingerprint bytea       NOT NULL,
    entry       uuid        NOT NULL,
    spent_at    timestamptz NOT NULL,
    until       timestamptz NOT NULL, -- when it may be forgotten
    answer      bytea -- what the response needs beside the tables; NULL: nothing
);

-- How far each receiver of events is.
CREATE TABLE event_cursors (
    sink   text        NOT NULL PRIMARY KEY,
    seq    bigint      NOT NULL, -- all events of rows up to this number are delivered
    holder text        NOT NULL, -- the server that delivers; '': none
    until  timestamptz NOT NULL -- the end of its lease
);

-- +goose Down
DROP TABLE event_cursors;
DROP TABLE idempotency_keys;
DROP TABLE signer_keys;
DROP TABLE journal_checkpoints;
DROP TABLE journal_tiles;
DROP TABLE journal_head;
DROP TABLE journal;
DROP TABLE journal_inbox;

-- How many users there are, and in which span of ids: docs/adr/0005-kept-counts.md.

-- +goose Up
CREATE TABLE user_counts (
    -- users.id >> 17: a span of 131,072 ids.
    block bigint   NOT NULL,
    -- Each writer takes one of several rows by chance, so that writers do not
    -- wait for each other. The sum over the slots is what counts.
    slot  smallint NOT NULL,
    n     bigint   NOT NULL,
    PRIMARY KEY (block, slot)
) WITH (fillfactor = 20); -- room for the next version of a row beside it, with no index to change

-- One pass, one snapshot. Who inserts users meanwhile without counting them is
-- an older server: docs/operations.md, "Totals".
INSERT INTO user_counts (block, slot, n) SELECT id >> 17, 0, count(*) FROM users GROUP BY id >> 17;

-- +goose Down
DROP TABLE user_counts;

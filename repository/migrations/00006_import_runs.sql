-- How far each import of a file has come: written in the transaction of every
-- batch, so that a run that was killed goes on behind its last whole batch.

-- +goose Up
CREATE TABLE import_runs (
    name         text        NOT NULL PRIMARY KEY, -- of the file's content, or one that was chosen
    position     bigint      NOT NULL,             -- bytes of the input that are done
    line         bigint      NOT NULL,             -- lines of the input that are done
    imported     bigint      NOT NULL,
    refused      bigint      NOT NULL,
    refused_size bigint      NOT NULL,             -- bytes of the file of refused rows
    started_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    finished_at  timestamptz                       -- NULL until the end of the input
);

-- +goose Down
DROP TABLE import_runs;

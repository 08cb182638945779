-- +goose Up
CREATE TABLE otp_secrets (
    user_id    bigint      NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- Encrypted by a key that is not in the database; the plaintext names the user.
    secret     bytea       NOT NULL,
    -- The last time step (RFC 6238) whose code was accepted.
    last_step  bigint      NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL
);

-- A row is there after a failure, until the next success.
CREATE TABLE otp_failures (
    user_id      bigint      NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    in_a_row     integer     NOT NULL,
    locked_until timestamptz NOT NULL,
    CONSTRAINT otp_failures_in_a_row_check CHECK (in_a_row > 0)
);

-- +goose Down
DROP TABLE otp_failures;
DROP TABLE otp_secrets;

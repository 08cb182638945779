-- +goose NO TRANSACTION

-- +goose Up
-- A build that broke off leaves an invalid index behind: away with it first.
DROP INDEX CONCURRENTLY IF EXISTS users_email_key_key;
CREATE UNIQUE INDEX CONCURRENTLY users_email_key_key ON users (email_key);
-- The users whose key is missing: those that nobody computed yet, and those whose
-- mailbox another user has.
DROP INDEX CONCURRENTLY IF EXISTS users_email_key_missing_idx;
CREATE INDEX CONCURRENTLY users_email_key_missing_idx ON users (id)
    WHERE email_key IS NULL AND octet_length(email_folded) > char_length(email_folded);

-- +goose Down
DROP INDEX users_email_key_missing_idx;
DROP INDEX users_email_key_key;

-- +goose NO TRANSACTION

-- +goose Up
-- A build that broke off leaves an invalid index behind: away with it first.
DROP INDEX CONCURRENTLY IF EXISTS users_email_key_other_idx;
-- The users whose mailbox has another spelling in ASCII, which an older server may
-- give to a second user: docs/operations.md, "Mailboxes".
CREATE INDEX CONCURRENTLY users_email_key_other_idx ON users (id) WHERE email_key <> email_folded;

-- +goose Down
DROP INDEX users_email_key_other_idx;

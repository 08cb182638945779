-- For /labels/filter/users, in each of its orders: docs/performance.md, "Filters".
-- +goose NO TRANSACTION

-- +goose Up
-- A build that broke off leaves an invalid index behind: away with it first.
DROP INDEX IF EXISTS labels_key_value_user_id_scope_idx;
CREATE INDEX CONCURRENTLY labels_key_value_user_id_scope_idx ON labels (key, value, user_id, scope);
DROP INDEX IF EXISTS labels_key_user_id_scope_idx;
CREATE INDEX CONCURRENTLY labels_key_user_id_scope_idx ON labels (key, user_id, scope);
DROP INDEX IF EXISTS labels_key_created_at_user_id_idx;
CREATE INDEX CONCURRENTLY labels_key_created_at_user_id_idx ON labels (key, created_at, user_id);
DROP INDEX IF EXISTS labels_key_updated_at_user_id_idx;
CREATE INDEX CONCURRENTLY labels_key_updated_at_user_id_idx ON labels (key, updated_at, user_id);
-- The first of them does what this one did.
DROP INDEX IF EXISTS labels_key_value_user_id_idx;

-- +goose Down
CREATE INDEX labels_key_value_user_id_idx ON labels (key, value, user_id);
DROP INDEX labels_key_value_user_id_scope_idx;
DROP INDEX labels_key_user_id_scope_idx;
DROP INDEX labels_key_created_at_user_id_idx;
DROP INDEX labels_key_updated_at_user_id_idx;

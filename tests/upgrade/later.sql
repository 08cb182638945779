-- A later step of every kind that docs/migrations.md allows beside servers that do
-- not know it: make test-upgrade PREVIOUS=HEAD THEN=tests/upgrade/later.sql
ALTER TABLE users ADD COLUMN later text, ADD COLUMN later_required integer NOT NULL DEFAULT 7;
ALTER TABLE profiles ADD COLUMN later text;
ALTER TABLE phones ADD COLUMN later text;
ALTER TABLE labels ADD COLUMN later timestamptz NOT NULL DEFAULT '2000-01-01';
ALTER TABLE documents ADD COLUMN later jsonb;
ALTER TABLE otp_secrets ADD COLUMN later text;
ALTER TABLE otp_failures ADD COLUMN later text;
ALTER TABLE user_counts ADD COLUMN later bigint NOT NULL DEFAULT 0;
ALTER TABLE import_runs ADD COLUMN later text;
CREATE TABLE later (user_id bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE);
CREATE INDEX users_later_idx ON users (later);
INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true);

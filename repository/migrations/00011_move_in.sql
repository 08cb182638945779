-- What an import from Barong's own database keeps: the description of a label (Barong 2.4 and later), and where
-- each user comes from.
--
-- What older servers leave out: nothing. They insert labels without a description, which the column allows, and
-- know no import from a database. Deleting a user deletes the row of imported_users with it.

-- +goose Up
SET LOCAL lock_timeout = '5s';
ALTER TABLE labels ADD COLUMN description text;
ALTER TABLE import_runs ADD COLUMN findings jsonb; -- what the summary counts, and the size of the report

-- Which user of another database each user is. The digests tell what changed since the last run: there, and here.
CREATE TABLE imported_users (
    source        text   COLLATE "C" NOT NULL, -- the database, without credentials
    source_id     bigint NOT NULL, -- users.id there
    user_id       bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source_digest bytea  NOT NULL, -- of the record that was read
    stored_digest bytea  NOT NULL, -- of the user that was stored
    PRIMARY KEY (source, source_id)
);
CREATE INDEX imported_users_user_id_idx ON imported_users (user_id);

-- +goose Down
DROP TABLE imported_users;
ALTER TABLE import_runs DROP COLUMN findings;
ALTER TABLE labels DROP COLUMN description;

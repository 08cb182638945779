-- A user may have several profiles (Barong 2.4 and later). `profiles` keeps one row for each user, the profile that
-- earlier servers show: the newest verified one, else the newest. `former_profiles` has all others.
--
-- What older servers leave out: nothing. They write the only profile of a new user, which is a draft with number 1.

-- +goose Up
SET LOCAL lock_timeout = '5s';
-- Constant defaults, so that no row is written anew.
ALTER TABLE profiles ADD COLUMN review text NOT NULL DEFAULT 'drafted';
ALTER TABLE profiles ADD COLUMN number integer NOT NULL DEFAULT 1;
ALTER TABLE profiles ADD CONSTRAINT profiles_review_check
    CHECK (review IN ('drafted', 'submitted', 'verified', 'rejected')) NOT VALID; -- validated by the next step

CREATE TABLE former_profiles (
    user_id    bigint      NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    number     integer     NOT NULL, -- counts up over both tables, in the order of creation
    first_name text,
    last_name  text,
    dob        date,
    address    text,
    postcode   text,
    city       text,
    country    text,
    state      text        NOT NULL,
    review     text        NOT NULL,
    metadata   jsonb,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, number),
    CONSTRAINT former_profiles_state_check CHECK (state IN ('partial', 'completed')),
    CONSTRAINT former_profiles_review_check CHECK (review IN ('drafted', 'submitted', 'verified', 'rejected'))
);

-- +goose Down
DROP TABLE former_profiles;
ALTER TABLE profiles DROP COLUMN number;
ALTER TABLE profiles DROP COLUMN review;

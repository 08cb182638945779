-- +goose Up
SET LOCAL lock_timeout = '5s';
ALTER TABLE profiles VALIDATE CONSTRAINT profiles_review_check;

-- +goose Down
SELECT 1; -- the step before drops the constraint with its column

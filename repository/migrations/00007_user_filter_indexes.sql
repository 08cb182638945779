-- For the filters of /users/list: docs/performance.md, "Filters of users". Each has
-- the column itself as well, so that counting reads the index alone.
-- +goose NO TRANSACTION

-- +goose Up
-- A build that broke off leaves an invalid index behind: away with it first.
DROP INDEX CONCURRENTLY IF EXISTS users_lower_role_id_idx;
CREATE INDEX CONCURRENTLY users_lower_role_id_idx ON users (lower(role), id) INCLUDE (role);
DROP INDEX CONCURRENTLY IF EXISTS users_lower_state_id_idx;
CREATE INDEX CONCURRENTLY users_lower_state_id_idx ON users (lower(state), id) INCLUDE (state);
DROP INDEX CONCURRENTLY IF EXISTS users_level_id_idx;
CREATE INDEX CONCURRENTLY users_level_id_idx ON users (level, id);
-- One expression for the two: both follow from the labels, so that a pair of frequent
-- ones may be rare or not there, which the planner knows of an expression's values.
DROP INDEX CONCURRENTLY IF EXISTS users_level_state_id_idx;
CREATE INDEX CONCURRENTLY users_level_state_id_idx ON users ((level::text || ' ' || lower(state)), id) INCLUDE (level, state);
DROP INDEX CONCURRENTLY IF EXISTS profiles_lower_first_name_user_id_idx;
CREATE INDEX CONCURRENTLY profiles_lower_first_name_user_id_idx ON profiles (lower(first_name), user_id) INCLUDE (first_name);
DROP INDEX CONCURRENTLY IF EXISTS profiles_lower_last_name_user_id_idx;
CREATE INDEX CONCURRENTLY profiles_lower_last_name_user_id_idx ON profiles (lower(last_name), user_id) INCLUDE (last_name);
DROP INDEX CONCURRENTLY IF EXISTS profiles_lower_country_user_id_idx;
CREATE INDEX CONCURRENTLY profiles_lower_country_user_id_idx ON profiles (lower(country), user_id) INCLUDE (country);
-- Values of an expression are known to the planner once somebody has looked at them.
ANALYZE users;
ANALYZE profiles;

-- +goose Down
DROP INDEX profiles_lower_country_user_id_idx;
DROP INDEX profiles_lower_last_name_user_id_idx;
DROP INDEX profiles_lower_first_name_user_id_idx;
DROP INDEX users_level_state_id_idx;
DROP INDEX users_level_id_idx;
DROP INDEX users_lower_state_id_idx;
DROP INDEX users_lower_role_id_idx;

-- Needs the tables of Barong 2.3 on MySQL 5.7, MySQL 8 or MariaDB. Until COMMIT at the end nothing is changed;
-- applying it again changes nothing more. The client must stop at the first error, as mysql does without --force.
SET NAMES utf8mb4;
SET SESSION sql_mode = 'STRICT_ALL_TABLES';
DROP TEMPORARY TABLE IF EXISTS returned_users, returned_labels, returned_phones, returned_profiles, returned_documents;
-- Each table takes its types and collations from Barong's columns.
CREATE TEMPORARY TABLE returned_users (barong_id bigint NULL, PRIMARY KEY (id)) AS
  SELECT id, uid, email, password_digest, role, data, level, otp, state, NULLIF(uid, '') AS referral_uid, created_at, updated_at
  FROM users WHERE 1 = 0;
CREATE TEMPORARY TABLE returned_labels (barong_id bigint NULL, INDEX (barong_id)) AS
  SELECT user_id, `key`, value, scope, created_at, updated_at FROM labels WHERE 1 = 0;
CREATE TEMPORARY TABLE returned_phones (barong_id bigint NULL, INDEX (barong_id)) AS
  SELECT user_id, country, number, validated_at, created_at, updated_at FROM phones WHERE 1 = 0;
ALTER TABLE returned_phones MODIFY user_id bigint NOT NULL; -- it is an int in Barong
CREATE TEMPORARY TABLE returned_profiles (barong_id bigint NULL, INDEX (barong_id)) AS
  SELECT user_id, first_name, last_name, dob, address, postcode, city, country, state, metadata, created_at, updated_at
  FROM profiles WHERE 1 = 0;
CREATE TEMPORARY TABLE returned_documents (barong_id bigint NULL, INDEX (barong_id)) AS
  SELECT user_id, upload, id AS ordinal, doc_type, doc_number, doc_expire, metadata, created_at, updated_at, upload AS object
  FROM documents WHERE 1 = 0;
START TRANSACTION;

-- Needs the tables of Barong 2.3 on PostgreSQL. Until COMMIT at the end nothing is changed; applying it again changes
-- nothing more.
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET timezone = 'UTC';
BEGIN;
-- Each table takes its types from Barong's columns.
CREATE TEMPORARY TABLE returned_users ON COMMIT DROP AS
  SELECT id, uid, email, password_digest, role, data, level, otp, state, uid AS referral_uid, created_at, updated_at, NULL::bigint AS barong_id
  FROM users WHERE false;
CREATE TEMPORARY TABLE returned_labels ON COMMIT DROP AS
  SELECT user_id, key, value, scope, created_at, updated_at, NULL::bigint AS barong_id FROM labels WHERE false;
CREATE TEMPORARY TABLE returned_phones ON COMMIT DROP AS
  SELECT user_id::bigint AS user_id, country, number, validated_at, created_at, updated_at, NULL::bigint AS barong_id FROM phones WHERE false;
CREATE TEMPORARY TABLE returned_profiles ON COMMIT DROP AS
  SELECT user_id, first_name, last_name, dob, address, postcode, city, country, state, metadata, created_at, updated_at, NULL::bigint AS barong_id
  FROM profiles WHERE false;
CREATE TEMPORARY TABLE returned_documents ON COMMIT DROP AS
  SELECT user_id, upload, id AS ordinal, doc_type, doc_number, doc_expire, metadata, created_at, updated_at, upload AS object, NULL::bigint AS barong_id
  FROM documents WHERE false;

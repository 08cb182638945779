
ALTER TABLE returned_users ADD PRIMARY KEY (id);
ANALYZE returned_users;
ANALYZE returned_labels;
ANALYZE returned_phones;
ANALYZE returned_profiles;
ANALYZE returned_documents;

-- Users, by uid. A value that is missing here leaves Barong's as it is.
UPDATE users u
  SET email = r.email, password_digest = r.password_digest, role = r.role, level = r.level, otp = r.otp, state = r.state,
      data = COALESCE(r.data, u.data), updated_at = r.updated_at
  FROM returned_users r
  WHERE r.uid = u.uid AND (u.email, u.password_digest, u.role, u.level, u.otp, u.state, u.data, u.updated_at)
    IS DISTINCT FROM (r.email, r.password_digest, r.role, r.level, r.otp, r.state, COALESCE(r.data, u.data), r.updated_at);
INSERT INTO users (uid, email, password_digest, role, data, level, otp, state, created_at, updated_at)
  SELECT r.uid, r.email, r.password_digest, r.role, r.data, r.level, r.otp, r.state, r.created_at, r.updated_at
  FROM returned_users r LEFT JOIN users u ON u.uid = r.uid WHERE u.id IS NULL ORDER BY r.id;
UPDATE users u SET referral_id = referrer.id
  FROM returned_users r JOIN users referrer ON referrer.uid = r.referral_uid
  WHERE r.uid = u.uid AND u.referral_id IS DISTINCT FROM referrer.id;

-- The ids of Barong's users.
UPDATE returned_users r SET barong_id = u.id FROM users u WHERE u.uid = r.uid;
UPDATE returned_labels l SET barong_id = r.barong_id FROM returned_users r WHERE r.id = l.user_id;
UPDATE returned_phones p SET barong_id = r.barong_id FROM returned_users r WHERE r.id = p.user_id;
UPDATE returned_profiles p SET barong_id = r.barong_id FROM returned_users r WHERE r.id = p.user_id;
UPDATE returned_documents d SET barong_id = r.barong_id FROM returned_users r WHERE r.id = d.user_id;
CREATE INDEX ON returned_labels (barong_id);

-- Labels, by user, key and scope. A label that is gone here is deleted; a label that this server cannot hold was never here, and stays.
UPDATE labels l SET value = r.value, updated_at = r.updated_at
  FROM returned_labels r
  WHERE r.barong_id = l.user_id AND r.key = lower(l.key) AND r.scope = l.scope AND (l.value, l.updated_at) IS DISTINCT FROM (r.value, r.updated_at);
INSERT INTO labels (user_id, key, value, scope, created_at, updated_at)
  SELECT r.barong_id, r.key, r.value, r.scope, r.created_at, r.updated_at
  FROM returned_labels r LEFT JOIN labels l ON l.user_id = r.barong_id AND lower(l.key) = r.key AND l.scope = r.scope WHERE l.id IS NULL;
DELETE FROM labels l USING returned_users u
  WHERE u.barong_id = l.user_id AND l.key ~ '^[A-Za-z0-9_-]{3,255}$' AND l.value ~ '^[A-Za-z0-9_-]{3,255}$'
    AND NOT EXISTS (SELECT 1 FROM returned_labels r WHERE r.barong_id = l.user_id AND r.key = lower(l.key) AND r.scope = l.scope);

-- Phones, by user and number. Nothing here takes a validation back.
UPDATE phones p SET validated_at = r.validated_at, updated_at = r.updated_at
  FROM returned_phones r
  WHERE r.barong_id = p.user_id AND p.number IN (r.number, '+' || r.number) AND p.validated_at IS NULL AND r.validated_at IS NOT NULL;
INSERT INTO phones (user_id, country, number, validated_at, created_at, updated_at)
  SELECT r.barong_id, r.country, r.number, r.validated_at, r.created_at, r.updated_at
  FROM returned_phones r LEFT JOIN phones p ON p.user_id = r.barong_id AND p.number IN (r.number, '+' || r.number) WHERE p.id IS NULL;

-- The newest profile of each user.
UPDATE profiles p
  SET first_name = COALESCE(r.first_name, p.first_name), last_name = COALESCE(r.last_name, p.last_name), dob = COALESCE(r.dob, p.dob),
      address = COALESCE(r.address, p.address), postcode = COALESCE(r.postcode, p.postcode), city = COALESCE(r.city, p.city),
      country = COALESCE(r.country, p.country), state = GREATEST(r.state, p.state), metadata = COALESCE(r.metadata, p.metadata),
      updated_at = r.updated_at
  FROM returned_profiles r
  WHERE r.barong_id = p.user_id AND NOT EXISTS (SELECT 1 FROM profiles newer WHERE newer.user_id = p.user_id AND newer.id > p.id);
INSERT INTO profiles (user_id, first_name, last_name, dob, address, postcode, city, country, state, metadata, created_at, updated_at)
  SELECT r.barong_id, r.first_name, r.last_name, r.dob, r.address, r.postcode, r.city, r.country, r.state, r.metadata, r.created_at, r.updated_at
  FROM returned_profiles r LEFT JOIN profiles p ON p.user_id = r.barong_id WHERE p.id IS NULL;

-- Documents that Barong does not have. The ordinal counts a user's documents with one name and one time.
INSERT INTO documents (user_id, upload, doc_type, doc_number, doc_expire, metadata, created_at, updated_at)
  SELECT r.barong_id, r.upload, r.doc_type, r.doc_number, r.doc_expire, r.metadata, r.created_at, r.updated_at FROM returned_documents r
  WHERE (SELECT COUNT(*) FROM documents d WHERE d.user_id = r.barong_id AND d.upload = r.upload
         AND date_trunc('second', d.created_at) = date_trunc('second', r.created_at)) < r.ordinal
  ORDER BY r.created_at, r.ordinal;

-- The file of each document: its name in the store of this server, and the place where Barong expects it.
SELECT r.object, 'uploads/document/upload/' || d.id || '/' || d.upload
  FROM returned_documents r JOIN documents d
    ON d.user_id = r.barong_id AND d.upload = r.upload AND date_trunc('second', d.created_at) = date_trunc('second', r.created_at)
  WHERE (SELECT COUNT(*) FROM documents e WHERE e.user_id = d.user_id AND e.upload = d.upload
         AND date_trunc('second', e.created_at) = date_trunc('second', d.created_at) AND e.id <= d.id) = r.ordinal
  ORDER BY d.id;

COMMIT;

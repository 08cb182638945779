
-- Users, by uid. A value that is missing here leaves Barong's as it is.
UPDATE users u JOIN returned_users r ON r.uid = u.uid
  SET u.email = r.email, u.password_digest = r.password_digest, u.role = r.role, u.level = r.level, u.otp = r.otp, u.state = r.state,
      u.data = COALESCE(r.data, u.data), u.updated_at = r.updated_at;
INSERT INTO users (uid, email, password_digest, role, data, level, otp, state, created_at, updated_at)
  SELECT r.uid, r.email, r.password_digest, r.role, r.data, r.level, r.otp, r.state, r.created_at, r.updated_at
  FROM returned_users r LEFT JOIN users u ON u.uid = r.uid WHERE u.id IS NULL ORDER BY r.id;
UPDATE users u JOIN returned_users r ON r.uid = u.uid JOIN users referrer ON referrer.uid = r.referral_uid
  SET u.referral_id = referrer.id;

-- The ids of Barong's users.
UPDATE returned_users r JOIN users u ON u.uid = r.uid SET r.barong_id = u.id;
UPDATE returned_labels l JOIN returned_users r ON r.id = l.user_id SET l.barong_id = r.barong_id;
UPDATE returned_phones p JOIN returned_users r ON r.id = p.user_id SET p.barong_id = r.barong_id;
UPDATE returned_profiles p JOIN returned_users r ON r.id = p.user_id SET p.barong_id = r.barong_id;
UPDATE returned_documents d JOIN returned_users r ON r.id = d.user_id SET d.barong_id = r.barong_id;

-- Labels, by user, key and scope. A label that is gone here is deleted; a label that this server cannot hold was never here, and stays.
UPDATE labels l JOIN returned_labels r ON r.barong_id = l.user_id AND r.`key` = l.`key` AND r.scope = l.scope
  SET l.value = r.value, l.updated_at = r.updated_at;
INSERT INTO labels (user_id, `key`, value, scope, created_at, updated_at)
  SELECT r.barong_id, r.`key`, r.value, r.scope, r.created_at, r.updated_at
  FROM returned_labels r LEFT JOIN labels l ON l.user_id = r.barong_id AND l.`key` = r.`key` AND l.scope = r.scope WHERE l.id IS NULL;
DELETE l FROM labels l JOIN returned_users u ON u.barong_id = l.user_id
  LEFT JOIN returned_labels r ON r.barong_id = l.user_id AND r.`key` = l.`key` AND r.scope = l.scope
  WHERE r.barong_id IS NULL AND l.`key` REGEXP '^[a-z0-9_-]{3,255}$' AND l.value REGEXP '^[a-z0-9_-]{3,255}$';

-- Phones, by user and number. Nothing here takes a validation back.
UPDATE phones p JOIN returned_phones r ON r.barong_id = p.user_id AND p.number IN (r.number, CONCAT('+', r.number))
  SET p.validated_at = r.validated_at, p.updated_at = r.updated_at WHERE p.validated_at IS NULL AND r.validated_at IS NOT NULL;
INSERT INTO phones (user_id, country, number, validated_at, created_at, updated_at)
  SELECT r.barong_id, r.country, r.number, r.validated_at, r.created_at, r.updated_at
  FROM returned_phones r LEFT JOIN phones p ON p.user_id = r.barong_id AND p.number IN (r.number, CONCAT('+', r.number)) WHERE p.id IS NULL;

-- The newest profile of each user.
UPDATE profiles p JOIN returned_profiles r ON r.barong_id = p.user_id
  LEFT JOIN profiles newer ON newer.user_id = p.user_id AND newer.id > p.id
  SET p.first_name = COALESCE(r.first_name, p.first_name), p.last_name = COALESCE(r.last_name, p.last_name), p.dob = COALESCE(r.dob, p.dob),
      p.address = COALESCE(r.address, p.address), p.postcode = COALESCE(r.postcode, p.postcode), p.city = COALESCE(r.city, p.city),
      p.country = COALESCE(r.country, p.country), p.state = GREATEST(r.state, COALESCE(p.state, 0)),
      p.metadata = COALESCE(r.metadata, p.metadata), p.updated_at = r.updated_at
  WHERE newer.id IS NULL;
INSERT INTO profiles (user_id, first_name, last_name, dob, address, postcode, city, country, state, metadata, created_at, updated_at)
  SELECT r.barong_id, r.first_name, r.last_name, r.dob, r.address, r.postcode, r.city, r.country, r.state, r.metadata, r.created_at, r.updated_at
  FROM returned_profiles r LEFT JOIN profiles p ON p.user_id = r.barong_id WHERE p.id IS NULL;

-- Documents that Barong does not have. The ordinal counts a user's documents with one name and one time.
INSERT INTO documents (user_id, upload, doc_type, doc_number, doc_expire, metadata, created_at, updated_at)
  SELECT r.barong_id, r.upload, r.doc_type, r.doc_number, r.doc_expire, r.metadata, r.created_at, r.updated_at FROM returned_documents r
  WHERE (SELECT COUNT(*) FROM documents d WHERE d.user_id = r.barong_id AND CAST(d.upload AS BINARY) = CAST(r.upload AS BINARY) AND d.created_at = r.created_at) < r.ordinal
  ORDER BY r.created_at, r.ordinal;

COMMIT;

-- The file of each document: its name in the store of this server, a tab, and the place where Barong expects it.
SELECT r.object, CONCAT('uploads/document/upload/', d.id, '/', d.upload)
  FROM returned_documents r JOIN documents d ON d.user_id = r.barong_id AND CAST(d.upload AS BINARY) = CAST(r.upload AS BINARY) AND d.created_at = r.created_at
  WHERE (SELECT COUNT(*) FROM documents e WHERE e.user_id = d.user_id AND CAST(e.upload AS BINARY) = CAST(d.upload AS BINARY) AND e.created_at = d.created_at AND e.id <= d.id) = r.ordinal
  ORDER BY d.id;
DROP TEMPORARY TABLE returned_users, returned_labels, returned_phones, returned_profiles, returned_documents;

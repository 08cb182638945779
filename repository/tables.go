package repository

// The tables of migrations/ and the names of their columns. No other file of this package repeats
// these names: statements_test.go checks that.

var usersTable = struct {
	name                                                                                             string
	id, uid, email, emailFolded, emailKey, passwordDigest, role, level, otp, state, referralID, data string
	createdAt, updatedAt                                                                             string
}{
	"users",
	"id", "uid", "email", "email_folded", "email_key", "password_digest", "role", "level", "otp", "state", "referral_id", "data",
	"created_at", "updated_at",
}

var profilesTable = struct {
	name                                                                                                string
	userID, number, firstName, lastName, dob, address, postcode, city, country, state, review, metadata string
	createdAt, updatedAt                                                                                string
}{
	"profiles",
	"user_id", "number", "first_name", "last_name", "dob", "address", "postcode", "city", "country", "state", "review", "metadata",
	"created_at", "updated_at",
}

// formerProfilesTable has the columns of profilesTable.
var formerProfilesTable = struct {
	name                                                                                                string
	userID, number, firstName, lastName, dob, address, postcode, city, country, state, review, metadata string
	createdAt, updatedAt                                                                                string
}{
	"former_profiles",
	"user_id", "number", "first_name", "last_name", "dob", "address", "postcode", "city", "country", "state", "review", "metadata",
	"created_at", "updated_at",
}

var phonesTable = struct {
	name, id, userID, country, number, validatedAt, createdAt, updatedAt string
}{
	"phones", "id", "user_id", "country", "number", "validated_at", "created_at", "updated_at",
}

var labelsTable = struct {
	name, id, userID, key, value, scope, description, createdAt, updatedAt string
}{
	"labels", "id", "user_id", "key", "value", "scope", "description", "created_at", "updated_at",
}

var documentsTable = struct {
	name                                                                                                                       string
	id, userID, docType, docNumber, docExpire, metadata, filename, contentType, size, object, wrappedKey, createdAt, updatedAt string
}{
	"documents",
	"id", "user_id", "doc_type", "doc_number", "doc_expire", "metadata", "filename", "content_type", "size", "object", "wrapped_key",
	"created_at", "updated_at",
}

var attachmentsTable = struct {
	name                                                                              string
	id, userID, filename, contentType, size, object, wrappedKey, createdAt, updatedAt string
}{
	"attachments",
	"id", "user_id", "filename", "content_type", "size", "object", "wrapped_key", "created_at", "updated_at",
}

var importedDocumentsTable = struct {
	name, source, sourceID, documentID, digest string
}{
	"imported_documents", "source", "source_id", "document_id", "digest",
}

var otpSecretsTable = struct {
	name, userID, secret, lastStep, createdAt string
}{
	"otp_secrets", "user_id", "secret", "last_step", "created_at",
}

var otpFailuresTable = struct {
	name, userID, inARow, lockedUntil string
}{
	"otp_failures", "user_id", "in_a_row", "locked_until",
}

var userCountsTable = struct {
	name, block, slot, n string
}{
	"user_counts", "block", "slot", "n",
}

var serviceAccountsTable = struct {
	name, id, uid, ownerID, email, emailFolded, role, level, state, createdAt, updatedAt string
}{
	"service_accounts", "id", "uid", "owner_id", "email", "email_folded", "role", "level", "state", "created_at", "updated_at",
}

var apiKeysTable = struct {
	name, id, kid, userID, serviceAccountID, algorithm, scopes, secret, state, createdAt, updatedAt string
}{
	"api_keys", "id", "kid", "user_id", "service_account_id", "algorithm", "scopes", "secret", "state", "created_at", "updated_at",
}

var inboxTable = struct {
	name, id, entry, uid, record, salt, changed string
}{
	"journal_inbox", "id", "entry", "uid", "record", "salt", "changed",
}

var journalTable = struct {
	name                                                                                                                 string
	seq, sealedAt, entry, uid, writtenAt, operation, form, requestID, signers, parameters, salt, proof, payload, changed string
}{
	"journal",
	"seq", "sealed_at", "entry", "uid", "written_at", "operation", "form", "request_id", "signers", "parameters", "salt", "proof", "payload", "changed",
}

var headTable = struct {
	name, id, size, sealedAt, pruned, epoch string
}{
	"journal_head", "id", "size", "sealed_at", "pruned", "epoch",
}

var tilesTable = struct {
	name, level, number, hashes string
}{
	"journal_tiles", "level", "number", "hashes",
}

var checkpointsTable = struct {
	name, epoch, size, signedAt, note string
}{
	"journal_checkpoints", "epoch", "size", "signed_at", "note",
}

var signerKeysTable = struct {
	name, thumbprint, kid, algorithm, publicKey, firstSeen, lastSeen string
}{
	"signer_keys", "thumbprint", "kid", "algorithm", "public_key", "first_seen", "last_seen",
}

var keysTable = struct {
	name, key, fingerprint, entry, spentAt, until, answer string
}{
	"idempotency_keys", "key", "fingerprint", "entry", "spent_at", "until", "answer",
}

var eventCursorsTable = struct {
	name, sink, seq, holder, until string
}{
	"event_cursors", "sink", "seq", "holder", "until",
}

var webhookLanesTable = struct {
	name, endpoint, uid, sentSeq, sentIndex, wantedSeq, failures, due string
}{
	"webhook_lanes", "endpoint", "uid", "sent_seq", "sent_index", "wanted_seq", "failures", "due",
}

var webhookDeadTable = struct {
	name, endpoint, seq, place, uid, kind, outcome, diedAt string
}{
	"webhook_dead", "endpoint", "seq", "place", "uid", "kind", "outcome", "died_at",
}

var webhookEndpointsTable = struct {
	name, endpoint, failingSince, pausedUntil, disabledAt, disabledWhy string
}{
	"webhook_endpoints", "endpoint", "failing_since", "paused_until", "disabled_at", "disabled_why",
}

var importRunsTable = struct {
	name, runName, position, line, imported, refused, refusedSize, startedAt, updatedAt, finishedAt, findings string
}{
	"import_runs", "name", "position", "line", "imported", "refused", "refused_size", "started_at", "updated_at", "finished_at", "findings",
}

var importedUsersTable = struct {
	name, source, sourceID, userID, sourceDigest, storedDigest string
}{
	"imported_users", "source", "source_id", "user_id", "source_digest", "stored_digest",
}

// gooseTable is maintained by goose, which applies the migrations.
var gooseTable = struct {
	name, versionID, isApplied string
}{
	"goose_db_version", "version_id", "is_applied",
}

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
	name                                                                                string
	userID, firstName, lastName, dob, address, postcode, city, country, state, metadata string
	createdAt, updatedAt                                                                string
}{
	"profiles",
	"user_id", "first_name", "last_name", "dob", "address", "postcode", "city", "country", "state", "metadata",
	"created_at", "updated_at",
}

var phonesTable = struct {
	name, id, userID, country, number, validatedAt, createdAt, updatedAt string
}{
	"phones", "id", "user_id", "country", "number", "validated_at", "created_at", "updated_at",
}

var labelsTable = struct {
	name, id, userID, key, value, scope, createdAt, updatedAt string
}{
	"labels", "id", "user_id", "key", "value", "scope", "created_at", "updated_at",
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

var importRunsTable = struct {
	name, runName, position, line, imported, refused, refusedSize, startedAt, updatedAt, finishedAt string
}{
	"import_runs", "name", "position", "line", "imported", "refused", "refused_size", "started_at", "updated_at", "finished_at",
}

// gooseTable is maintained by goose, which applies the migrations.
var gooseTable = struct {
	name, versionID, isApplied string
}{
	"goose_db_version", "version_id", "is_applied",
}

package repository

import (
	"encoding/json"
	"slices"
	"time"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

// The columns of each noun. Selects, inserts, COPY and export derive from them.

var (
	// userColumns begins with the id, which the database assigns to a new user.
	userColumns = columns[identity.User]{
		field(usersTable.name, usersTable.id, "int8", func(u *identity.User) *int64 { return &u.ID }),
		field(usersTable.name, usersTable.uid, "text", func(u *identity.User) *string { return &u.UID }),
		field(usersTable.name, usersTable.email, "text", func(u *identity.User) *string { return &u.Email }),
		field(usersTable.name, usersTable.role, "text", func(u *identity.User) *string { return &u.Role }),
		field(usersTable.name, usersTable.level, "int4", func(u *identity.User) *int { return &u.Level }),
		field(usersTable.name, usersTable.otp, "bool", func(u *identity.User) *bool { return &u.OTP }),
		field(usersTable.name, usersTable.state, "text", func(u *identity.User) *string { return &u.State }),
		field(usersTable.name, usersTable.data, "text", func(u *identity.User) **string { return &u.Data }),
		field(usersTable.name, usersTable.createdAt, "timestamptz", func(u *identity.User) *time.Time { return &u.CreatedAt }),
		field(usersTable.name, usersTable.updatedAt, "timestamptz", func(u *identity.User) *time.Time { return &u.UpdatedAt }),
	}

	digestColumns = columns[identity.User]{
		field(usersTable.name, usersTable.passwordDigest, "text", func(u *identity.User) *string { return &u.PasswordDigest }),
	}

	// emailColumns are derived from the e-mail and never read: emails.go.
	emailColumns = columns[identity.User]{
		{name: usersTable.emailFolded, sqlType: "text", arg: foldedEmail, value: func(u *identity.User) any { return identity.FoldEmail(u.Email) }},
		{name: usersTable.emailKey, sqlType: "text", arg: mailboxKey, value: func(u *identity.User) any { return identity.MailboxKey(u.Email) }},
	}

	storedUserColumns = slices.Concat(userColumns, digestColumns, emailColumns)

	// givenProfileColumns are the columns of the only profile of a new user. Its number is the default, and its times
	// are those of the user.
	givenProfileColumns = columns[identity.Profile]{
		field(profilesTable.name, profilesTable.firstName, "text", func(p *identity.Profile) **string { return &p.FirstName }),
		field(profilesTable.name, profilesTable.lastName, "text", func(p *identity.Profile) **string { return &p.LastName }),
		field(profilesTable.name, profilesTable.dob, "date", func(p *identity.Profile) **time.Time { return &p.DOB }),
		field(profilesTable.name, profilesTable.address, "text", func(p *identity.Profile) **string { return &p.Address }),
		field(profilesTable.name, profilesTable.postcode, "text", func(p *identity.Profile) **string { return &p.Postcode }),
		field(profilesTable.name, profilesTable.city, "text", func(p *identity.Profile) **string { return &p.City }),
		field(profilesTable.name, profilesTable.country, "text", func(p *identity.Profile) **string { return &p.Country }),
		field(profilesTable.name, profilesTable.state, "text", func(p *identity.Profile) *string { return &p.State }),
		// Where pgx does not know the type of an argument, as with default_query_exec_mode=exec, it
		// encodes bytes as bytea.
		field(profilesTable.name, profilesTable.metadata, "jsonb", func(p *identity.Profile) *[]byte { return &p.Metadata }).
			withValue(func(p *identity.Profile) any { return json.RawMessage(p.Metadata) }),
		field(profilesTable.name, profilesTable.review, "text", func(p *identity.Profile) *string { return &p.Review }),
	}

	// newProfileColumns are all columns except the number, which the database gives.
	newProfileColumns = append(slices.Clone(givenProfileColumns),
		field(profilesTable.name, profilesTable.createdAt, "timestamptz", func(p *identity.Profile) *time.Time { return &p.CreatedAt }),
		field(profilesTable.name, profilesTable.updatedAt, "timestamptz", func(p *identity.Profile) *time.Time { return &p.UpdatedAt }),
	)

	// profileColumns are those of former_profiles too.
	profileColumns = append(columns[identity.Profile]{
		field(profilesTable.name, profilesTable.number, "int4", func(p *identity.Profile) *int { return &p.Number }),
	}, newProfileColumns...)

	phoneColumns = columns[identity.Phone]{
		field(phonesTable.name, phonesTable.country, "text", func(p *identity.Phone) *string { return &p.Country }),
		field(phonesTable.name, phonesTable.number, "text", func(p *identity.Phone) *string { return &p.Number }),
		field(phonesTable.name, phonesTable.validatedAt, "timestamptz", func(p *identity.Phone) **time.Time { return &p.ValidatedAt }),
	}

	// givenLabelColumns are the columns of a label of a new user. Its times are those of the user.
	givenLabelColumns = columns[identity.Label]{
		field(labelsTable.name, labelsTable.key, "text", func(l *identity.Label) *string { return &l.Key }),
		field(labelsTable.name, labelsTable.value, "text", func(l *identity.Label) *string { return &l.Value }),
		field(labelsTable.name, labelsTable.scope, "text", func(l *identity.Label) *string { return &l.Scope }),
	}

	// timedLabelColumns are the columns of a label that the server itself writes.
	timedLabelColumns = append(slices.Clone(givenLabelColumns),
		field(labelsTable.name, labelsTable.createdAt, "timestamptz", func(l *identity.Label) *time.Time { return &l.CreatedAt }),
		field(labelsTable.name, labelsTable.updatedAt, "timestamptz", func(l *identity.Label) *time.Time { return &l.UpdatedAt }),
	)

	labelColumns = append(slices.Clone(timedLabelColumns),
		field(labelsTable.name, labelsTable.description, "text", func(l *identity.Label) **string { return &l.Description }),
	)

	// storedPhoneColumns include the times, which no operation shows.
	storedPhoneColumns = append(slices.Clone(phoneColumns),
		field(phonesTable.name, phonesTable.createdAt, "timestamptz", func(p *identity.Phone) *time.Time { return &p.CreatedAt }),
		field(phonesTable.name, phonesTable.updatedAt, "timestamptz", func(p *identity.Phone) *time.Time { return &p.UpdatedAt }),
	)

	documentColumns = columns[identity.Document]{
		field(documentsTable.name, documentsTable.docType, "text", func(d *identity.Document) *string { return &d.Type }),
		field(documentsTable.name, documentsTable.docNumber, "text", func(d *identity.Document) *string { return &d.Number }),
		field(documentsTable.name, documentsTable.docExpire, "date", func(d *identity.Document) **time.Time { return &d.Expire }),
		field(documentsTable.name, documentsTable.metadata, "text", func(d *identity.Document) **string { return &d.Metadata }),
		field(documentsTable.name, documentsTable.filename, "text", func(d *identity.Document) *string { return &d.Filename }),
		field(documentsTable.name, documentsTable.contentType, "text", func(d *identity.Document) *string { return &d.ContentType }),
		field(documentsTable.name, documentsTable.size, "int8", func(d *identity.Document) *int64 { return &d.Size }),
		field(documentsTable.name, documentsTable.object, "text", func(d *identity.Document) *string { return &d.Object }),
		field(documentsTable.name, documentsTable.wrappedKey, "bytea", func(d *identity.Document) *[]byte { return &d.Key }),
		field(documentsTable.name, documentsTable.createdAt, "timestamptz", func(d *identity.Document) *time.Time { return &d.CreatedAt }),
		field(documentsTable.name, documentsTable.updatedAt, "timestamptz", func(d *identity.Document) *time.Time { return &d.UpdatedAt }),
	}

	attachmentColumns = columns[identity.Attachment]{
		field(attachmentsTable.name, attachmentsTable.filename, "text", func(a *identity.Attachment) *string { return &a.Filename }),
		field(attachmentsTable.name, attachmentsTable.contentType, "text", func(a *identity.Attachment) *string { return &a.ContentType }),
		field(attachmentsTable.name, attachmentsTable.size, "int8", func(a *identity.Attachment) *int64 { return &a.Size }),
		field(attachmentsTable.name, attachmentsTable.object, "text", func(a *identity.Attachment) *string { return &a.Object }),
		field(attachmentsTable.name, attachmentsTable.wrappedKey, "bytea", func(a *identity.Attachment) *[]byte { return &a.Key }),
		field(attachmentsTable.name, attachmentsTable.createdAt, "timestamptz", func(a *identity.Attachment) *time.Time { return &a.CreatedAt }),
		field(attachmentsTable.name, attachmentsTable.updatedAt, "timestamptz", func(a *identity.Attachment) *time.Time { return &a.UpdatedAt }),
	}

	importedDocumentColumns = columns[ImportedDocument]{
		field(importedDocumentsTable.name, importedDocumentsTable.source, "text", func(d *ImportedDocument) *string { return &d.Source }),
		field(importedDocumentsTable.name, importedDocumentsTable.sourceID, "text", func(d *ImportedDocument) *string { return &d.SourceID }),
		field(importedDocumentsTable.name, importedDocumentsTable.documentID, "int8", func(d *ImportedDocument) *int64 { return &d.id }),
		field(importedDocumentsTable.name, importedDocumentsTable.digest, "bytea", func(d *ImportedDocument) *[]byte { return &d.Digest }),
	}

	secretColumns = columns[StoredUser]{
		field(otpSecretsTable.name, otpSecretsTable.secret, "bytea", func(u *StoredUser) *[]byte { return &u.Secret }),
	}

	// serviceAccountColumns begins with the id, which the database assigns to a new account.
	serviceAccountColumns = columns[identity.ServiceAccount]{
		field(serviceAccountsTable.name, serviceAccountsTable.id, "int8", func(a *identity.ServiceAccount) *int64 { return &a.ID }),
		field(serviceAccountsTable.name, serviceAccountsTable.uid, "text", func(a *identity.ServiceAccount) *string { return &a.UID }),
		field(serviceAccountsTable.name, serviceAccountsTable.email, "text", func(a *identity.ServiceAccount) *string { return &a.Email }),
		field(serviceAccountsTable.name, serviceAccountsTable.role, "text", func(a *identity.ServiceAccount) *string { return &a.Role }),
		field(serviceAccountsTable.name, serviceAccountsTable.level, "int4", func(a *identity.ServiceAccount) **int { return &a.OwnLevel }),
		field(serviceAccountsTable.name, serviceAccountsTable.state, "text", func(a *identity.ServiceAccount) **string { return &a.OwnState }),
		field(serviceAccountsTable.name, serviceAccountsTable.createdAt, "timestamptz", func(a *identity.ServiceAccount) *time.Time { return &a.CreatedAt }),
		field(serviceAccountsTable.name, serviceAccountsTable.updatedAt, "timestamptz", func(a *identity.ServiceAccount) *time.Time { return &a.UpdatedAt }),
	}

	// givenAccountColumns are all columns of a new account except the id and the owner. The key of
	// the mailbox is derived from the e-mail and never read.
	givenAccountColumns = append(slices.Clone(serviceAccountColumns[1:]), column[identity.ServiceAccount]{
		name: serviceAccountsTable.emailFolded, sqlType: "text", arg: mailboxKey,
		value: func(a *identity.ServiceAccount) any { return identity.MailboxKey(a.Email) },
	})

	// ownerColumns are the columns that selectUsers returns, for the owner of an account.
	ownerColumns = append(slices.Clone(userColumns), column[identity.User]{
		sqlType: "text", target: func(u *identity.User) any { return &u.ReferralUID },
	})

	apiKeyColumns = columns[identity.APIKey]{
		field(apiKeysTable.name, apiKeysTable.kid, "text", func(k *identity.APIKey) *string { return &k.KID }),
		field(apiKeysTable.name, apiKeysTable.algorithm, "text", func(k *identity.APIKey) *string { return &k.Algorithm }),
		field(apiKeysTable.name, apiKeysTable.scopes, "text[]", func(k *identity.APIKey) *[]string { return &k.Scopes }),
		field(apiKeysTable.name, apiKeysTable.state, "text", func(k *identity.APIKey) *string { return &k.State }),
		field(apiKeysTable.name, apiKeysTable.createdAt, "timestamptz", func(k *identity.APIKey) *time.Time { return &k.CreatedAt }),
		field(apiKeysTable.name, apiKeysTable.updatedAt, "timestamptz", func(k *identity.APIKey) *time.Time { return &k.UpdatedAt }),
	}

	sealedColumns = columns[identity.APIKey]{
		field(apiKeysTable.name, apiKeysTable.secret, "bytea", func(k *identity.APIKey) *[]byte { return &k.Sealed }),
	}

	storedKeyColumns = slices.Concat(apiKeyColumns, sealedColumns)

	importRunColumns = columns[ImportRun]{
		field(importRunsTable.name, importRunsTable.runName, "text", func(i *ImportRun) *string { return &i.Name }),
		field(importRunsTable.name, importRunsTable.position, "int8", func(i *ImportRun) *int64 { return &i.Position }),
		field(importRunsTable.name, importRunsTable.line, "int8", func(i *ImportRun) *int64 { return &i.Line }),
		field(importRunsTable.name, importRunsTable.imported, "int8", func(i *ImportRun) *int64 { return &i.Imported }),
		field(importRunsTable.name, importRunsTable.refused, "int8", func(i *ImportRun) *int64 { return &i.Refused }),
		field(importRunsTable.name, importRunsTable.refusedSize, "int8", func(i *ImportRun) *int64 { return &i.RefusedSize }),
		field(importRunsTable.name, importRunsTable.startedAt, "timestamptz", func(i *ImportRun) *time.Time { return &i.StartedAt }),
		field(importRunsTable.name, importRunsTable.updatedAt, "timestamptz", func(i *ImportRun) *time.Time { return &i.UpdatedAt }),
		field(importRunsTable.name, importRunsTable.finishedAt, "timestamptz", func(i *ImportRun) **time.Time { return &i.FinishedAt }),
		field(importRunsTable.name, importRunsTable.findings, "jsonb", func(i *ImportRun) *[]byte { return &i.Findings }).
			withValue(func(i *ImportRun) any { return json.RawMessage(i.Findings) }),
	}

	importedColumns = columns[ImportedUser]{
		field(importedUsersTable.name, importedUsersTable.sourceID, "int8", func(u *ImportedUser) *int64 { return &u.SourceID }),
		field(importedUsersTable.name, importedUsersTable.userID, "int8", func(u *ImportedUser) *int64 { return &u.UserID }),
		field(importedUsersTable.name, importedUsersTable.sourceDigest, "bytea", func(u *ImportedUser) *[]byte { return &u.SourceDigest }),
		field(importedUsersTable.name, importedUsersTable.storedDigest, "bytea", func(u *ImportedUser) *[]byte { return &u.StoredDigest }),
	}
)

// selectUsers begins a select of users u. The referrer is a subselect and no join: most users have
// no referrer, and the planner might give up reading an index in order, which a page needs, for a
// join.
func selectUsers() sq.SelectBuilder {
	referrer := sq.Select("referrer." + usersTable.uid).From(aliased(usersTable.name, "referrer")).
		Where("referrer." + usersTable.id + " = u." + usersTable.referralID)
	return sq.Select(qualified("u", userColumns.names()...)...).
		Column(sq.Case().When("u."+usersTable.referralID+" IS NOT NULL", subselect(referrer)))
}

// userTargets returns the scan targets for a row of selectUsers.
func userTargets(u *identity.User) []any {
	return append(userColumns.targets(u), &u.ReferralUID)
}

// fromUsers returns the columns of users that selectUsers reads, for a subselect that limits a
// page.
func fromUsers() []string { return append(userColumns.names(), usersTable.referralID) }

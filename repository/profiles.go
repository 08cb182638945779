package repository

import (
	"context"
	"slices"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
	"barong/internal/problem"
)

// profiles has one row for each user, identity.User.CurrentProfile; former_profiles has the others.
// Profiles of a user are numbered from 1 over both tables, under the lock of the user's row, and are
// never deleted one by one.

// profileRow are the columns of a profile with its owner.
var profileRow = append([]string{profilesTable.userID}, profileColumns.names()...)

var (
	profileReview = profileColumns.arg(profilesTable.review)
	isOpen        = " IN (" + columnList(text(identity.ProfileDrafted), text(identity.ProfileSubmitted)) + ")"

	// latestProfile selects the number of the newest profile of a user, and whether it is open.
	latestProfile = sq.Select(
		"coalesce(max("+profilesTable.number+"), 0) AS latest",
		"coalesce((array_agg("+profilesTable.review+" ORDER BY "+profilesTable.number+" DESC))[1]"+isOpen+", false) AS open").
		FromSelect(unionAll(
			sq.Select(profilesTable.number, profilesTable.review).From(profilesTable.name).Where(ofUser),
			sq.Select(profilesTable.number, profilesTable.review).From(formerProfilesTable.name).Where(ofUser)), "every")

	findLatestProfile = compile(latestProfile)

	// insertProfile adds a profile to those of a user and sets the label of the profile to its
	// review, unless identity.LatestProfile.Check rejects it. It returns the latest profile before
	// that. It runs under the lock of the user's row.
	insertProfile = &statusWrite{
		parts: profileParts, source: "added", changes: "true", answer: noAnswer, labels: relabelled,
		changed: jsonMerged(jsonObject("profile", jsonObject("number", sq.Expr("added.next"), "state", typed(profileReview, "text"))), labelledChange),
		main:    sq.Select("latest", "open").From("before"),
	}

	profileParts = []cte{
		{"before", latestProfile},
		{"added", addedProfile},
		{"former", sq.Insert(formerProfilesTable.name).Columns(profileRow...).
			Select(unionAll(replacedProfile, addedProfileRow().Where("added.behind")))},
		{"current", sq.Insert(profilesTable.name).Columns(profileRow...).
			Select(addedProfileRow().Where("NOT added.behind")).
			Suffix(onConflictReplace([]string{profilesTable.userID}, profileColumns.names()))},
		{"labelled", sq.Insert(labelsTable.name).Columns(labelsTable.userID).Columns(timedLabelColumns.names()...).
			Select(sq.Select("added.owner", text(identity.ProfileLabel)).Column(typed(profileReview, "text")).Column(text(identity.ScopePrivate)).
				Column(typed("now", "timestamptz")).Column(typed("now", "timestamptz")).From("added")).
			Suffix(onConflictReplace(labelsUnique, []string{labelsTable.value, labelsTable.updatedAt}) +
				onlyWhere(labelsTable.name+"."+labelsTable.value+" <> excluded."+labelsTable.value) + " " + returning(setLabel...))},
	}

	// addedProfile has a row where the profile is added: behind the current one where only that is
	// verified, else in its place.
	addedProfile = sq.Select("u."+usersTable.id+" AS owner", "before.latest + 1 AS next").
			Column(sq.Alias(sq.Expr("? AND ?", sq.Expr("?::text <> "+text(identity.ProfileVerified), profileReview), exists(verifiedProfile)), "behind")).
			From(aliased("account", "u")).JoinClause("CROSS JOIN before").
			Where("before.latest < ?", identity.MaxProfiles).
			Where(sq.Expr("NOT (before.open AND ?::text"+isOpen+")", profileReview))

	verifiedProfile = sq.Select("1").From(aliased(profilesTable.name, "p")).Where("p." + profilesTable.userID + " = u." + usersTable.id).
			Where("p." + profilesTable.review + " = " + text(identity.ProfileVerified))

	// replacedProfile selects the current profile where the new one takes its place.
	replacedProfile = sq.Select(qualified("p", profileRow...)...).From(aliased(profilesTable.name, "p")).
			Join("added ON added.owner = p." + profilesTable.userID).Where("NOT added.behind")
)

// addedProfileRow selects the new profile, as a row of either table.
func addedProfileRow() sq.SelectBuilder {
	return newProfileColumns.selectArgs(sq.Select("added.owner", "added.next")).From("added")
}

func latestTargets(l *identity.LatestProfile) []any { return []any{&l.Number, &l.Open} }

// LatestProfile describes the newest profile of a user; an unknown user is
// identity.ErrRecordNotFound. Another request may add one meanwhile, so it serves for error reports
// only.
func (r *Repository) LatestProfile(ctx context.Context, uid string) (latest identity.LatestProfile, err error) {
	given := args{"uid": uid}
	known := false
	batch := &pgx.Batch{}
	batch.Queue(findID.sql, findID.bind(given)...).Query(func(rows pgx.Rows) error {
		return visitRows(rows, single[int64], func(*int64) error { known = true; return nil })
	})
	batch.Queue(findLatestProfile.sql, findLatestProfile.bind(given)...).QueryRow(func(row pgx.Row) error {
		return row.Scan(latestTargets(&latest)...)
	})
	err = translate(r.db.SendBatch(ctx, batch).Close())
	if err == nil && !known {
		err = identity.ErrRecordNotFound
	}
	return latest, err
}

// InsertProfile adds a profile to those of a user, sets the private label of the profile to its
// review, updates the account status and returns the user with all profiles, in one transaction. An
// unknown user is identity.ErrRecordNotFound; what identity.LatestProfile.Check rejects is rejected
// under concurrent inserts too.
func (r *Repository) InsertProfile(ctx context.Context, uid string, p identity.Profile, status *AccountStatus) (user identity.User, err error) {
	given := args{}
	newProfileColumns.bind(given, &p)
	var latest identity.LatestProfile
	err = r.withStatusUpdate(ctx, uid, status, p.CreatedAt, insertProfile, given, func(written *pgx.QueuedQuery) {
		written.QueryRow(func(row pgx.Row) error { return row.Scan(latestTargets(&latest)...) })
	}, func(batch *pgx.Batch) { queueUserWithProfiles(batch, uid, &user) })
	if err == nil {
		err = problem.Invalid(latest.Check(p.Review)...)
	}
	return user, err
}

// UserWithProfiles returns a user with all profiles. An unknown user is identity.ErrRecordNotFound.
func (r *Repository) UserWithProfiles(ctx context.Context, uid string) (identity.User, error) {
	found, err := one(ctx, r, findUserWithProfiles, args{"uid": uid}, (*relatedUser).withProfilesTargets)
	return found.related(), err
}

// queueUserWithProfiles queues the read of a user with all profiles. An unknown user is left empty.
func queueUserWithProfiles(batch *pgx.Batch, uid string, user *identity.User) {
	batch.Queue(findUserWithProfiles.sql, findUserWithProfiles.bind(args{"uid": uid})...).Query(func(rows pgx.Rows) error {
		return visitRows(rows, (*relatedUser).withProfilesTargets, func(found *relatedUser) error {
			*user = found.related()
			return nil
		})
	})
}

// sortProfiles sorts profiles of both tables, oldest first.
func sortProfiles(profiles []identity.Profile) {
	slices.SortFunc(profiles, func(a, b identity.Profile) int { return a.Number - b.Number })
}

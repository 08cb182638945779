package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"barong/handlers"
	"barong/internal/identity"
	"barong/repository"
)

// ceiling is the fastest server that could be: net/http, one statement or one
// pipelined batch for each request, and nothing else. It neither authenticates
// nor validates, and knows the default policy only.
type ceiling struct{ pool *pgxpool.Pool }

// serveCeiling is the process of the ceiling. It prints its address once it is
// ready, and ends with its standard input.
func serveCeiling(database string) error {
	ctx := context.Background()
	pool, err := repository.Open(ctx, database)
	if err != nil {
		return err
	}
	if err := pool.Ping(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // there is nothing to wait for
	if err != nil {
		return err
	}
	c := ceiling{pool}
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(*http.Request) (any, error){
		"POST /timestamp":           c.timestamp,
		"POST /users/get":           c.get,
		"POST /users/list":          c.list,
		"POST /users/import":        c.importUser,
		"POST " + pipelinedImport:   c.importPipelined,
		"POST /labels/list":         c.labels,
		"POST /labels/filter/users": c.filter,
		"PUT /labels":               c.updateLabel,
	} {
		method, path, _ := bytes.Cut([]byte(pattern), []byte(" "))
		mux.HandleFunc(string(method)+" "+handlers.BasePath+string(path), plain(answer))
	}
	fmt.Println("ready", listener.Addr())
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	return http.Serve(listener, mux) //nolint:gosec // it serves nobody but this benchmark
}

func plain(answer func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found, err := answer(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		var body bytes.Buffer
		if err := json.NewEncoder(&body).Encode(found); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body.Bytes())
	}
}

// asked is the parameters of all operations together.
type asked struct {
	UID       string  `json:"uid"`
	UserUID   string  `json:"user_uid"`
	Email     string  `json:"email"`
	Phone     string  `json:"phone"`
	PhoneNum  string  `json:"phone_num"`
	Key       string  `json:"key"`
	Value     string  `json:"value"`
	Extended  bool    `json:"extended"`
	Digest    string  `json:"password_digest"`
	FirstName *string `json:"first_name"`
	LastName  *string `json:"last_name"`
	DOB       *string `json:"dob"`
	Address   *string `json:"address"`
	Postcode  *string `json:"postcode"`
	City      *string `json:"city"`
	Country   *string `json:"country"`
}

func read(r *http.Request) (a asked, err error) {
	return a, json.NewDecoder(r.Body).Decode(&a)
}

type shortUser struct {
	Email    string  `json:"email"`
	UID      string  `json:"uid"`
	Role     string  `json:"role"`
	Level    int     `json:"level"`
	OTP      bool    `json:"otp"`
	State    string  `json:"state"`
	Referral *string `json:"referral_uid"`
	Data     *string `json:"data"`
}

type fullUser struct {
	shortUser
	CreatedAt time.Time       `json:"created_at"`
	UpdatedAt time.Time       `json:"updated_at"`
	Profile   json.RawMessage `json:"profile"`
	Labels    json.RawMessage `json:"labels"`
	Phones    json.RawMessage `json:"phones"`
	Documents json.RawMessage `json:"documents,omitempty"`
}

const (
	shortColumns = `u.email, u.uid, u.role, u.level, u.otp, u.state, r.uid, u.data`
	fullColumns  = shortColumns + `, u.created_at, u.updated_at,
	(SELECT json_build_object('first_name', first_name, 'last_name', last_name, 'dob', dob, 'address', address, 'postcode', postcode,
	        'city', city, 'country', country, 'state', state, 'metadata', metadata) FROM profiles WHERE user_id = u.id),
	(SELECT coalesce(json_agg(json_build_object('key', key, 'value', value, 'scope', scope, 'created_at', created_at, 'updated_at', updated_at) ORDER BY id), '[]')
	 FROM labels WHERE user_id = u.id),
	(SELECT coalesce(json_agg(json_build_object('country', country, 'number', number, 'validated_at', validated_at) ORDER BY id), '[]')
	 FROM phones WHERE user_id = u.id)`
	kycColumns = fullColumns + `,
	(SELECT coalesce(json_agg(json_build_object('upload', object, 'doc_type', doc_type, 'doc_number', doc_number, 'doc_expire', doc_expire,
	        'metadata', metadata, 'created_at', created_at, 'updated_at', updated_at) ORDER BY id), '[]')
	 FROM documents WHERE user_id = u.id)`
	fromUsers = ` FROM users u LEFT JOIN users r ON r.id = u.referral_id `
)

func (u *shortUser) into() []any {
	return []any{&u.Email, &u.UID, &u.Role, &u.Level, &u.OTP, &u.State, &u.Referral, &u.Data}
}

func (u *fullUser) into() []any {
	return append(u.shortUser.into(), &u.CreatedAt, &u.UpdatedAt, &u.Profile, &u.Labels, &u.Phones)
}

func (ceiling) timestamp(*http.Request) (any, error) {
	return map[string]int64{"timestamp": time.Now().Unix()}, nil
}

func (c ceiling) get(r *http.Request) (any, error) {
	a, err := read(r)
	if err != nil {
		return nil, err
	}
	var row pgx.Row
	switch {
	case a.UID != "":
		row = c.pool.QueryRow(r.Context(), "SELECT "+kycColumns+fromUsers+"WHERE u.uid = $1", a.UID)
	case a.Email != "":
		row = c.pool.QueryRow(r.Context(), "SELECT "+kycColumns+fromUsers+"WHERE u.email_folded = $1", a.Email)
	default:
		row = c.pool.QueryRow(r.Context(), "SELECT "+kycColumns+fromUsers+`WHERE u.id =
			(SELECT user_id FROM phones WHERE number = $1 ORDER BY validated_at IS NULL, id LIMIT 1)`, a.PhoneNum)
	}
	var found fullUser
	return &found, row.Scan(append(found.into(), &found.Documents)...)
}

func (c ceiling) list(r *http.Request) (any, error) {
	a, err := read(r)
	if err != nil {
		return nil, err
	}
	if a.Extended {
		return c.listExtended(r)
	}
	return collect(c, r, (*shortUser).into, "SELECT "+shortColumns+fromUsers+"ORDER BY u.id LIMIT 100")
}

type profile struct {
	FirstName *string         `json:"first_name"`
	LastName  *string         `json:"last_name"`
	DOB       *time.Time      `json:"dob"`
	Address   *string         `json:"address"`
	Postcode  *string         `json:"postcode"`
	City      *string         `json:"city"`
	Country   *string         `json:"country"`
	State     string          `json:"state"`
	Metadata  json.RawMessage `json:"metadata"`
}

type phone struct {
	Country     string     `json:"country"`
	Number      string     `json:"number"`
	ValidatedAt *time.Time `json:"validated_at"`
}

type extendedUser struct {
	shortUser
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Labels    []label   `json:"labels"`
	Phones    []phone   `json:"phones"`
	Profile   *profile  `json:"profile"`
}

// listExtended is one pipelined batch: for many users that takes less of the
// database than to aggregate JSON.
func (c ceiling) listExtended(r *http.Request) (any, error) {
	var users []*extendedUser
	byID := map[int64]*extendedUser{}
	of := func(from, columns string) string {
		return "SELECT user_id, " + columns + " FROM " + from + " WHERE user_id IN (SELECT id FROM users ORDER BY id LIMIT 100) ORDER BY user_id"
	}
	var id int64
	each := func(into []any, add func()) func(pgx.Rows) error {
		return func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, append([]any{&id}, into...), func() error { add(); return nil })
			return err
		}
	}
	var u extendedUser
	var p profile
	var f phone
	var l label
	batch := &pgx.Batch{}
	batch.Queue("SELECT u.id, " + shortColumns + ", u.created_at, u.updated_at" + fromUsers + "ORDER BY u.id LIMIT 100").
		Query(each(append(u.into(), &u.CreatedAt, &u.UpdatedAt), func() {
			found := u
			users, byID[id] = append(users, &found), &found
		}))
	batch.Queue(of("profiles", "first_name, last_name, dob, address, postcode, city, country, state, metadata")).
		Query(each([]any{&p.FirstName, &p.LastName, &p.DOB, &p.Address, &p.Postcode, &p.City, &p.Country, &p.State, &p.Metadata}, func() {
			found := p
			byID[id].Profile = &found
		}))
	batch.Queue(of("phones", "country, number, validated_at")).
		Query(each([]any{&f.Country, &f.Number, &f.ValidatedAt}, func() { byID[id].Phones = append(byID[id].Phones, f) }))
	batch.Queue(of("labels", "key, value, scope, created_at, updated_at")).
		Query(each(l.into(), func() { byID[id].Labels = append(byID[id].Labels, l) }))
	return &users, c.pool.SendBatch(r.Context(), batch).Close()
}

// filter has no count: the one that is kept costs nothing.
func (c ceiling) filter(r *http.Request) (any, error) {
	a, err := read(r)
	if err != nil {
		return nil, err
	}
	return collect(c, r, (*shortUser).into, "SELECT "+shortColumns+`
		FROM (SELECT user_id FROM labels WHERE key = $1 AND value = $2 GROUP BY user_id ORDER BY user_id LIMIT 100) l
		JOIN users u ON u.id = l.user_id LEFT JOIN users r ON r.id = u.referral_id ORDER BY u.id`, a.Key, a.Value)
}

func collect[row any](c ceiling, r *http.Request, into func(*row) []any, statement string, args ...any) (any, error) {
	rows, err := c.pool.Query(r.Context(), statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make([]row, 0, 100)
	for rows.Next() {
		var one row
		if err := rows.Scan(into(&one)...); err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, rows.Err()
}

type label struct {
	Key       string    `json:"key"`
	Value     string    `json:"value"`
	Scope     string    `json:"scope"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (l *label) into() []any { return []any{&l.Key, &l.Value, &l.Scope, &l.CreatedAt, &l.UpdatedAt} }

func (c ceiling) labels(r *http.Request) (any, error) {
	a, err := read(r)
	if err != nil {
		return nil, err
	}
	return collect(c, r, (*label).into, `SELECT l.key, l.value, l.scope, l.created_at, l.updated_at
		FROM labels l JOIN users u ON u.id = l.user_id WHERE u.uid = $1 ORDER BY l.id`, a.UserUID)
}

// updateLabel is one pipelined batch, which is one transaction: it locks the
// user, writes the label, and computes level and state anew.
func (c ceiling) updateLabel(r *http.Request) (any, error) {
	a, err := read(r)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	var updated label
	batch := &pgx.Batch{}
	batch.Queue("SELECT id FROM users WHERE uid = $1 FOR UPDATE", a.UserUID)
	batch.Queue(`UPDATE labels SET value = $3, updated_at = $4 WHERE user_id = (SELECT id FROM users WHERE uid = $1) AND key = $2 AND scope = 'private'
		RETURNING key, value, scope, created_at, updated_at`, a.UserUID, a.Key, a.Value, now).
		QueryRow(func(row pgx.Row) error { return row.Scan(updated.into()...) })
	batch.Queue(`WITH held AS (
		  SELECT u.id, bool_or(l.key = 'email' AND l.value = 'verified') AS email, bool_or(l.key = 'phone' AND l.value = 'verified') AS phone,
		         bool_or(l.key = 'document' AND l.value = 'verified') AS document, bool_or(l.key IN ('ban', 'fraud')) AS banned,
		         bool_or(l.key = 'delete') AS deleted, bool_or(l.key IN ('suspicious', 'lock')) AS locked
		  FROM users u JOIN labels l ON l.user_id = u.id AND l.scope = 'private' WHERE u.uid = $1 GROUP BY u.id
		), standing AS (
		  SELECT id, CASE WHEN NOT email THEN 0 WHEN NOT phone THEN 1 WHEN NOT document THEN 2 ELSE 3 END AS level,
		         CASE WHEN banned THEN 'banned' WHEN deleted THEN 'deleted' WHEN locked THEN 'locked' WHEN email THEN 'active' ELSE 'pending' END AS state
		  FROM held
		)
		UPDATE users u SET level = s.level, state = s.state, updated_at = $2 FROM standing s
		WHERE u.id = s.id AND (u.level, u.state) IS DISTINCT FROM (s.level, s.state)`, a.UserUID, now)
	return &updated, c.pool.SendBatch(r.Context(), batch).Close()
}

// newcomer is what a request makes of a user.
func newcomer(r *http.Request) (a asked, number string, user fullUser, err error) {
	if a, err = read(r); err != nil {
		return a, "", user, err
	}
	// The numbers of this benchmark are written as +49 152 00000001.
	digits := make([]byte, 0, 16)
	for _, b := range []byte(a.Phone) {
		if b >= '0' && b <= '9' {
			digits = append(digits, b)
		}
	}
	user = fullUser{shortUser: shortUser{Email: a.Email, UID: identity.NewUID("ID"), Role: "member", State: "pending"}}
	user.CreatedAt = time.Now().UTC().Truncate(time.Second)
	user.UpdatedAt = user.CreatedAt
	return a, string(digits), user, nil
}

// importUser is one statement.
func (c ceiling) importUser(r *http.Request) (any, error) {
	a, number, user, err := newcomer(r)
	if err != nil {
		return nil, err
	}
	_, err = c.pool.Exec(r.Context(), `WITH u AS (
		  INSERT INTO users (uid, email, email_folded, password_digest, role, level, otp, state, created_at, updated_at)
		  VALUES ($1, $2, $3, $4, 'member', 0, false, 'pending', $5, $5) RETURNING id
		), f AS (
		  INSERT INTO phones (user_id, country, number, validated_at, created_at, updated_at) SELECT id, 'DE', $6, $5, $5, $5 FROM u
		), p AS (
		  INSERT INTO profiles (user_id, first_name, last_name, dob, address, postcode, city, country, state, created_at, updated_at)
		  SELECT id, $7, $8, $9::text::date, $10, $11, $12, $13, 'completed', $5, $5 FROM u
		)
		INSERT INTO labels (user_id, key, value, scope, created_at, updated_at) SELECT id, 'profile', 'verified', 'private', $5, $5 FROM u`,
		user.UID, a.Email, identity.FoldEmail(a.Email), a.Digest, user.CreatedAt, number,
		a.FirstName, a.LastName, a.DOB, a.Address, a.Postcode, a.City, a.Country)
	return &user, err
}

// importPipelined is one batch, which is one transaction.
func (c ceiling) importPipelined(r *http.Request) (any, error) {
	a, number, user, err := newcomer(r)
	if err != nil {
		return nil, err
	}
	const id = "(SELECT id FROM users WHERE uid = $1)"
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO users (uid, email, email_folded, password_digest, role, level, otp, state, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 'member', 0, false, 'pending', $5, $5)`, user.UID, a.Email, identity.FoldEmail(a.Email), a.Digest, user.CreatedAt)
	batch.Queue("INSERT INTO phones (user_id, country, number, validated_at, created_at, updated_at) VALUES ("+id+", 'DE', $2, $3, $3, $3)",
		user.UID, number, user.CreatedAt)
	batch.Queue("INSERT INTO profiles (user_id, first_name, last_name, dob, address, postcode, city, country, state, created_at, updated_at) VALUES ("+
		id+", $2, $3, $4::text::date, $5, $6, $7, $8, 'completed', $9, $9)",
		user.UID, a.FirstName, a.LastName, a.DOB, a.Address, a.Postcode, a.City, a.Country, user.CreatedAt)
	batch.Queue("INSERT INTO labels (user_id, key, value, scope, created_at, updated_at) VALUES ("+id+", 'profile', 'verified', 'private', $2, $2)",
		user.UID, user.CreatedAt)
	return &user, c.pool.SendBatch(r.Context(), batch).Close()
}

package barongtest

import (
	"fmt"
	"regexp"
	"strings"
)

// Schema is a version of Barong's tables.
type Schema string

// The schemas. Versions 2.1 to 2.3 have the same tables, and so have 2.4 and 2.5.
const (
	V20 Schema = "2.0"
	V23 Schema = "2.3"
	V25 Schema = "2.5"
	V26 Schema = "2.6"
)

// table lists the columns as Rails' schema.rb names their types, without the id.
type table struct {
	name    string
	columns string
	indexes string // comma-separated columns, one index a line; a leading ! makes it unique
}

const times = "created_at datetime not null · updated_at datetime not null"

// tables of version 2.3.38.
var tables23 = []table{
	{"users", "uid string not null · email string not null · password_digest string not null · role string not null default 'member' · data text · level integer not null default 0 · otp boolean default false · state string not null default 'pending' · referral_id bigint · " + times, "!email\n!uid"},
	{"profiles", "user_id bigint · first_name string · last_name string · dob date · address string · postcode string · city string · country string · state integer(1) · metadata text · " + times, "user_id"},
	{"phones", "user_id integer not null · country string not null · number string not null · code string(5) · validated_at datetime · " + times, "number\nuser_id"},
	{"labels", "user_id bigint not null · key string not null · value string not null · scope string not null default 'public' · " + times, "user_id,key,scope\nuser_id"},
	{"documents", "user_id bigint not null · upload string · doc_type string · doc_number string · doc_expire date · metadata text · " + times, "user_id"},
	{"levels", "key string not null · value string · description string · " + times, ""},
}

// tables of version 2.6.
var tables26 = []table{
	{"users", "uid string not null · username string · email string not null · password_digest string not null · role string not null default 'member' · data text · level integer not null default 0 · otp boolean default false · state string not null default 'pending' · referral_id bigint · " + times, "!email\n!uid\n!username"},
	{"profiles", "user_id bigint · author string · applicant_id string · first_name_encrypted string(1024) · last_name_encrypted string(1024) · dob_encrypted string · address_encrypted string(1024) · postcode string · city string · country string · state integer(1) default 0 · metadata text · " + times, "user_id"},
	{"phones", "user_id integer not null · country string not null · code string(5) · number_encrypted string not null · number_index bigint not null · validated_at datetime · " + times, "number_index\nuser_id"},
	{"labels", "user_id bigint not null · key string not null · value string not null · scope string not null default 'public' · description string · " + times, "!user_id,key,scope\nuser_id"},
	{"documents", "user_id bigint not null · upload string · doc_type string · doc_expire date · doc_number_encrypted string · doc_number_index bigint · doc_issue date · doc_category string · identificator string · metadata text · " + times, "doc_number_index\nuser_id"},
	{"levels", "key string not null · value string · description string · " + times, ""},
	{"service_accounts", "uid string not null · owner_id bigint · email string not null · role string not null default 'service_account' · level integer not null default 0 · state string not null default 'pending' · " + times, ""},
	{"apikeys", "key_holder_account_id bigint not null · key_holder_account_type string not null default 'User' · kid string not null · algorithm string not null · scope string · secret_encrypted string(1024) · state string not null default 'active' · " + times, "key_holder_account_type,key_holder_account_id\n!kid"},
}

// tables returns the tables of a schema, and its newest migration.
func (s Schema) tables() (tables []table, migration string) {
	change := func(name, old, with string) []table {
		changed := append([]table(nil), tables23...)
		for i, t := range changed {
			if t.name == name {
				changed[i].columns = strings.Replace(t.columns, old, with, 1)
			}
		}
		return changed
	}
	switch s {
	case V20:
		return change("users", "data text · ", ""), "20190529114214"
	case V23:
		return tables23, "20190902032709"
	case V25:
		return change("labels", times, "description string · "+times), "20200701115721"
	case V26:
		return tables26, "20210316083841"
	default:
		panic("barongtest: no schema " + string(s))
	}
}

// encrypted reports whether numbers and parts of profiles are encrypted.
func (s Schema) encrypted() bool { return s == V26 }

var (
	sized     = regexp.MustCompile(`^string\((\d+)\)`)
	wholeType = regexp.MustCompile(`^\S+`)
)

// sqlType returns the type of a column in a database, for a type of Rails.
func sqlType(rails string, mysql bool) string {
	if size := sized.FindStringSubmatch(rails); size != nil {
		return "varchar(" + size[1] + ")"
	}
	types := map[string][2]string{
		"string": {"varchar(255)", "varchar"}, "text": {"text", "text"}, "bigint": {"bigint", "bigint"}, "date": {"date", "date"},
		"integer": {"int", "integer"}, "integer(1)": {"tinyint unsigned", "smallint"}, "boolean": {"tinyint(1)", "boolean"},
		"datetime": {"datetime", "timestamp without time zone"},
	}
	found, ok := types[rails]
	if !ok {
		panic("barongtest: no type " + rails)
	}
	if mysql {
		return found[0]
	}
	return found[1]
}

// statements creates the tables of a schema.
func (s Schema) statements(mysql bool) []string {
	quote, id, end := `"`, `"id" bigserial PRIMARY KEY`, ""
	if mysql {
		quote, id, end = "`", "`id` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY", " ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"
	}
	tables, migration := s.tables()
	var statements []string
	for _, t := range tables {
		columns := []string{id}
		for column := range strings.SplitSeq(t.columns, " · ") {
			name, rest, _ := strings.Cut(column, " ")
			kind := wholeType.FindString(rest)
			options := strings.TrimPrefix(rest, kind)
			sql := sqlType(kind, mysql)
			if mysql && t.name == "users" && name == "email" {
				sql += " COLLATE utf8mb4_bin" // some installations distinguish addresses by case
			}
			columns = append(columns, quote+name+quote+" "+sql+options)
		}
		statements = append(statements, fmt.Sprintf("CREATE TABLE %s (%s)%s", t.name, strings.Join(columns, ", "), end))
		for i, index := range strings.Fields(t.indexes) {
			of, unique := strings.CutPrefix(index, "!")
			kind := "INDEX"
			if unique {
				kind = "UNIQUE INDEX"
			}
			quoted := quote + strings.ReplaceAll(of, ",", quote+","+quote) + quote
			statements = append(statements, fmt.Sprintf("CREATE %s index_%s_%d ON %s (%s)", kind, t.name, i, t.name, quoted))
		}
	}
	return append(statements,
		"CREATE TABLE schema_migrations (version varchar(255) NOT NULL PRIMARY KEY)"+end,
		"INSERT INTO schema_migrations (version) VALUES ('20181101143041'), ('"+migration+"')",
		"INSERT INTO levels ("+quote+"key"+quote+", value, created_at, updated_at) VALUES ('email', 'verified', '2019-01-01', '2019-01-01'), ('phone', 'verified', '2019-01-01', '2019-01-01'), ('document', 'verified', '2019-01-01', '2019-01-01')")
}

package main

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pquerna/otp/totp"
)

// operation is one row of the table.
type operation struct {
	name string
	// calls makes n of them, which can be sent again unless once says otherwise.
	calls func(size, n int) []call
	once  bool // a call does not work twice
	pairs bool // calls come in twos, of which the second undoes the first
	bare  bool // the ceiling has no such operation
	// Under which path the ceiling has another shape of it; empty: under the same.
	ceilingPath string
}

// call is what a request says, before it is signed.
type call struct{ method, path, parameters string }

// pipelinedImport is where the ceiling imports with a statement for each table
// rather than one for all.
const pipelinedImport = "/users/import/pipelined"

// How many different requests are sent again and again where that is possible.
const (
	pooled      = 2000
	smokePooled = 50
)

var operations = []operation{
	{name: "timestamp", calls: repeat("/timestamp", func(int) string { return `{}` })},
	{name: "get by uid", calls: repeat("/users/get", func(u int) string { return fmt.Sprintf(`{"uid":%q}`, uidOf(u)) })},
	{name: "get by email", calls: repeat("/users/get", func(u int) string { return fmt.Sprintf(`{"email":%q}`, emailOf(u)) })},
	{name: "get by phone", calls: repeat("/users/get", func(u int) string { return fmt.Sprintf(`{"phone_num":%q}`, phoneOf(u)) })},
	{name: "list labels", calls: repeat("/labels/list", func(u int) string { return fmt.Sprintf(`{"user_uid":%q}`, uidOf(u)) })},
	{name: "list, first page", calls: repeat("/users/list", func(int) string { return `{}` })},
	{name: "list, first page, extended", calls: repeat("/users/list", func(int) string { return `{"extended":true}` })},
	{name: "list, random page", calls: randomPages, bare: true},
	{name: "filter by label", calls: repeat("/labels/filter/users", func(int) string { return `{"key":"tier","value":"gold"}` })},
	{name: "update label", calls: alternatingLabels},
	{name: "create and delete label", calls: createdLabels, pairs: true, bare: true},
	{name: "import", calls: newUsers, once: true},
	{name: "import, beside a pipeline", calls: newUsers, once: true, ceilingPath: pipelinedImport},
	{name: "sign otp", calls: codes, once: true, bare: true},
	{name: "create document", calls: repeat("/documents", document), bare: true},
	{name: "create user", calls: passwords, once: true, bare: true},
	{name: "update user", calls: alternatingData, bare: true},
	{name: "create profile", calls: newProfiles, once: true, bare: true},
	{name: "list phones", calls: repeat("/phones/get", func(u int) string { return fmt.Sprintf(`{"uid":%q}`, uidOf(u)) }), bare: true},
	{name: "create and delete phone", calls: createdPhones, pairs: true, bare: true},
	{name: "get service account", calls: repeat("/service_accounts/get", func(u int) string { return fmt.Sprintf(`{"uid":%q}`, robotOf(u)) }), bare: true},
	{name: "list service accounts", calls: repeat("/service_accounts/list", func(int) string { return `{}` }), bare: true},
	{name: "list service accounts of an owner", calls: repeat("/service_accounts/list", func(u int) string { return fmt.Sprintf(`{"owner_uid":%q}`, uidOf(u)) }), bare: true},
	{name: "create service account", calls: newServiceAccounts, once: true, bare: true},
	{name: "create api key", calls: newKeys, once: true, bare: true},
	{name: "create attachment", calls: repeat("/attachments", attachment), bare: true},
}

// anyUser is the number of one of them.
func anyUser(size int) int { return 1 + rand.IntN(size) } //nolint:gosec // which user is asked for is no secret

// repeat makes calls about random users.
func repeat(path string, parameters func(user int) string) func(size, n int) []call {
	return func(size, n int) []call {
		list := make([]call, n)
		for i := range list {
			list[i] = call{"POST", path, parameters(anyUser(size))}
		}
		return list
	}
}

func randomPages(size, n int) []call {
	list := make([]call, n)
	for i := range list {
		list[i] = call{"POST", "/users/list", fmt.Sprintf(`{"page":%d}`, 1+anyUser(size)/100)}
	}
	return list
}

// alternatingLabels gives users a value and then another, so that each update
// changes the label, and with it the level.
func alternatingLabels(size, n int) []call {
	var list []call
	for range n / 2 {
		uid := uidOf(anyUser(size))
		for _, value := range []string{"rejected", "verified"} {
			list = append(list, call{"PUT", "/labels", fmt.Sprintf(`{"user_uid":%q,"key":"phone","value":%q}`, uid, value)})
		}
	}
	return list
}

// createdLabels gives users a label and takes it away again.
func createdLabels(size, n int) []call {
	var list []call
	for range n / 2 {
		uid, key := uidOf(anyUser(size)), fmt.Sprintf("bench%d", created.Add(1))
		list = append(list,
			call{"POST", "/labels", fmt.Sprintf(`{"user_uid":%q,"key":%q,"value":"verified"}`, uid, key)},
			call{"POST", "/labels/delete", fmt.Sprintf(`{"user_uid":%q,"key":%q}`, uid, key)})
	}
	return list
}

// created counts the users that were made, so that none is made twice.
var created atomic.Int64

func newUsers(_, n int) []call {
	list := make([]call, n)
	for i := range list {
		number := created.Add(1)
		list[i] = call{"POST", "/users/import", fmt.Sprintf(`{"email":"new%d@bench.example","password_digest":%q,"phone":"+49 152 %08d",`+
			`"first_name":"Ada","last_name":"Lovelace","dob":"1815-12-10","address":"12, St James Square","postcode":"SW1Y 4JH",`+
			`"city":"London","country":"GB"}`, number, digest, number)}
	}
	return list
}

// alternatingData gives users a text and then another, so that each update changes the user.
func alternatingData(size, n int) []call {
	var list []call
	for range n / 2 {
		uid := uidOf(anyUser(size))
		for _, language := range []string{"en", "de"} {
			list = append(list, call{"POST", "/users/update", fmt.Sprintf(`{"uid":%q,"data":%q}`, uid, `{"language":"`+language+`"}`)})
		}
	}
	return list
}

// newProfiles give users a further profile: the one that they have is kept.
func newProfiles(size, n int) []call {
	list := make([]call, n)
	for i := range list {
		list[i] = call{"POST", "/profiles", fmt.Sprintf(`{"uid":%q,"first_name":"Ada","last_name":"King","country":"GB","state":"verified"}`, uidOf(anyUser(size)))}
	}
	return list
}

// createdPhones gives users a second number and takes it away again.
func createdPhones(size, n int) []call {
	var list []call
	for range n / 2 {
		parameters := fmt.Sprintf(`{"uid":%q,"number":"+49 157 %08d"}`, uidOf(anyUser(size)), created.Add(1))
		list = append(list, call{"POST", "/phones", parameters}, call{"POST", "/phones/delete", parameters})
	}
	return list
}

func newServiceAccounts(size, n int) []call {
	list := make([]call, n)
	for i := range list {
		list[i] = call{"POST", "/service_accounts/create", fmt.Sprintf(`{"owner_uid":%q,"service_account_role":"service_account"}`, uidOf(anyUser(size)))}
	}
	return list
}

// newKeys give users a key, and every second time their service accounts.
func newKeys(size, n int) []call {
	list := make([]call, n)
	for i := range list {
		holder := []func(int) string{uidOf, robotOf}[i%2](anyUser(size))
		list[i] = call{"POST", "/api_keys", fmt.Sprintf(`{"uid":%q,"algorithm":"HS256","scopes":"trade,history"}`, holder)}
	}
	return list
}

// hashed is how many users with a password are made for one measurement: each
// takes a processor for a quarter of a second.
const hashed = 64

func passwords(_, n int) []call {
	list := make([]call, min(n, hashed))
	for i := range list {
		list[i] = call{"POST", "/users", fmt.Sprintf(`{"email":"new%d@bench.example","password":"correctHorse9batteryStaple"}`, created.Add(1))}
	}
	return list
}

// signed counts the codes that were used. A user's code counts once in 30 seconds,
// so that the users take turns.
var signed atomic.Int64

func codes(size, n int) []call {
	size = min(size, withSecrets)
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		panic(err) // the secret is ours
	}
	list := make([]call, min(n, size/20))
	for i := range list {
		user := 1 + int(signed.Add(1))%size
		list[i] = call{"POST", "/otp/sign", fmt.Sprintf(`{"user_uid":%q,"otp_code":%q}`, uidOf(user), code)}
	}
	return list
}

// picture is a PNG of one pixel.
const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

func document(user int) string {
	return fmt.Sprintf(`{"uid":%q,"doc_type":"Passport","doc_number":"AB123","filename":"passport.png","file_ext":"png","upload":%q}`, uidOf(user), picture)
}

func attachment(user int) string {
	return fmt.Sprintf(`{"uid":%q,"filename":"letter.png","file_ext":"png","upload":%q}`, uidOf(user), picture)
}

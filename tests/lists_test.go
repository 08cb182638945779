package tests

import (
	"fmt"
	"math"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"
)

// uids are those of a page, in its order.
func (x answer) uids(t testing.TB) []string {
	t.Helper()
	uids := []string{}
	for _, user := range x.list(t) {
		uids = append(uids, user["uid"].(string))
	}
	return uids
}

func TestUsersAreListedInOrderPageByPage(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		var all []string
		for range 7 {
			all = append(all, a.user(nil))
		}
		base := "/api/v2/management/users/list?limit="
		for _, c := range []struct {
			given parameters
			want  []string
			page  string
			size  string
			link  string
		}{
			{parameters{}, all, "1", "100", ""},
			{parameters{"page": nil, "limit": nil, "from": nil, "range": nil}, all, "1", "100", ""},
			{parameters{"limit": 3}, all[:3], "1", "3", `<` + base + `3&page=2>; rel="next", <` + base + `3&page=3>; rel="last"`},
			{parameters{"limit": "3", "page": "2"}, all[3:6], "2", "3", `<` + base + `3&page=1>; rel="first", <` + base + `3&page=1>; rel="prev", <` + base + `3&page=3>; rel="next", <` + base + `3&page=3>; rel="last"`},
			{parameters{"limit": 3, "page": 3}, all[6:], "3", "3", `<` + base + `3&page=1>; rel="first", <` + base + `3&page=2>; rel="prev"`},
			{parameters{"limit": 3, "page": 9}, []string{}, "9", "3", `<` + base + `3&page=1>; rel="first", <` + base + `3&page=3>; rel="prev"`},
			{parameters{"limit": 1000, "page": int64(math.MaxInt64)}, []string{}, "9223372036854775807", "1000", `<` + base + `1000&page=1>; rel="first", <` + base + `1000&page=1>; rel="prev"`},
		} {
			got := a.call(f, "listUsers", c.given)
			if got.status != http.StatusCreated {
				t.Fatalf("%v: %d %s", c.given, got.status, got.body)
			}
			if !slices.Equal(got.uids(t), c.want) {
				t.Errorf("%v: %v, want %v", c.given, got.uids(t), c.want)
			}
			h := got.header
			if h.Get("Total") != "7" || h.Get("Page") != c.page || h.Get("Per-Page") != c.size || h.Get("Link") != c.link {
				t.Errorf("%v: Total %s, Page %s, Per-Page %s, Link %s; want 7, %s, %s, %s",
					c.given, h.Get("Total"), h.Get("Page"), h.Get("Per-Page"), h.Get("Link"), c.page, c.size, c.link)
			}
		}
	})
}

func TestListOfNothingIsEmptyAndCounted(t *testing.T) {
	t.Parallel()
	a := start(t)
	for operation, given := range map[string]parameters{"listUsers": nil, "filterUsersByLabel": {"key": "email"}} {
		got := a.must(operation, given)
		if string(got.body) != "[]\n" || got.header.Get("Total") != "0" || got.header.Get("Link") != "" {
			t.Errorf("%s: %s, %v", operation, got.body, got.header)
		}
	}
}

func TestExtendedChoosesTheShapeOfListedUsers(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		uid := a.must("importUser", ada).object(t)["uid"]
		a.user(nil)
		short := []string{"email", "uid", "role", "level", "otp", "state", "referral_uid", "data"}
		for operation, given := range map[string]parameters{"listUsers": {}, "filterUsersByLabel": {"key": "profile"}} {
			users := a.call(f, operation, given).list(t)
			if got := members(users[0]); !sameMembers(got, short) {
				t.Errorf("%s: %v", operation, got)
			}
			given["extended"] = true
			users = a.call(f, operation, given).list(t)
			full := a.must("getUser", parameters{"uid": uid}).object(t)
			delete(full, "documents")
			if !reflect.DeepEqual(users[0], full) {
				t.Errorf("%s extended:\n%v\n%v", operation, users[0], full)
			}
		}
		plain := a.call(f, "listUsers", parameters{"extended": "yes"}).list(t)[1]
		if got := members(plain); !sameMembers(got, slices.Concat(short, []string{"created_at", "updated_at", "labels", "phones", "profile", "profiles"})) {
			t.Errorf("a user without relations has %v", got)
		}
		if plain["profile"] != nil || len(plain["labels"].([]any)) != 0 || len(plain["phones"].([]any)) != 0 {
			t.Errorf("a user without relations shows %v", plain)
		}
	})
}

func members(object map[string]any) []string {
	var names []string
	for name := range object {
		names = append(names, name)
	}
	return names
}

func sameMembers(a, b []string) bool {
	slices.Sort(a)
	b = slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func TestRangeIncludesBothEnds(t *testing.T) {
	t.Parallel()
	a := start(t)
	begin := a.clock.Now().Unix()
	var all []string
	for range 4 {
		all = append(all, a.user(nil))
		a.clock.Advance(10 * time.Second)
	}
	// The first is updated last.
	a.label(all[0], "email", "verified")
	updated := a.clock.Now().Unix()
	for _, c := range []struct {
		given parameters
		want  []string
	}{
		{parameters{"from": begin + 10}, all[1:]},
		{parameters{"from": begin + 11}, all[2:]},
		{parameters{"to": begin + 20}, all[:3]},
		{parameters{"to": begin + 19}, all[:2]},
		{parameters{"from": begin + 10, "to": begin + 10}, all[1:2]},
		{parameters{"from": begin + 30, "to": begin}, []string{}},
		{parameters{"from": begin, "range": "updated"}, []string{all[1], all[2], all[3], all[0]}},
		{parameters{"from": updated, "range": "updated"}, all[:1]},
		{parameters{"from": int64(math.MinInt64), "to": int64(math.MaxInt64)}, all},
		{parameters{"from": int64(math.MaxInt64)}, []string{}},
		{parameters{"to": -1}, []string{}},
	} {
		got := a.must("listUsers", c.given)
		if !slices.Equal(got.uids(t), c.want) || got.header.Get("Total") != fmt.Sprint(len(c.want)) {
			t.Errorf("%v: %v (Total %s), want %v", c.given, got.uids(t), got.header.Get("Total"), c.want)
		}
	}
}

func TestSecondOfAnAnswerIncludesWhatHappenedWithinIt(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	if _, err := a.pool.Exec(t.Context(), "UPDATE users SET created_at = to_timestamp(1763794295.75)"); err != nil {
		t.Fatal(err)
	}
	if got := a.must("listUsers", parameters{"to": 1763794295}).uids(t); !slices.Equal(got, []string{uid}) {
		t.Errorf("got %v", got)
	}
	if shown := a.must("getUser", parameters{"uid": uid}).object(t)["created_at"]; shown != "2025-11-22T06:51:35Z" {
		t.Errorf("shown as %v", shown)
	}
}

func TestFilterFindsUsersByLabel(t *testing.T) {
	t.Parallel()
	inEachForm(t, func(t *testing.T, a *api, f form) {
		begin := a.clock.Now().Unix()
		first, second, third := a.user(nil), a.user(nil), a.user(nil)
		a.label(third, "tier", "gold")
		a.clock.Advance(time.Minute)
		a.label(first, "tier", "gold")
		a.label(second, "tier", "silver")
		a.publicLabel(first, "tier", "gold")
		a.publicLabel(second, "theme", "dark")
		a.clock.Advance(time.Minute)
		a.label(third, "tier", "golden")
		for _, c := range []struct {
			given parameters
			want  []string
		}{
			{parameters{"key": "tier"}, []string{first, second, third}},
			{parameters{"key": " TIER "}, []string{first, second, third}},
			{parameters{"key": "tier", "value": "GOLD"}, []string{first}},
			{parameters{"key": "tier", "value": "gold", "scope": "public"}, []string{first}},
			{parameters{"key": "tier", "scope": "private"}, []string{first, second, third}},
			{parameters{"key": "tier", "scope": "elsewhere"}, []string{}},
			{parameters{"key": "theme"}, []string{second}},
			{parameters{"key": "theme", "scope": "private"}, []string{}},
			{parameters{"key": "t"}, []string{}},
			{parameters{"key": "tier", "scope": "private", "from": begin}, []string{third, first, second}},
			{parameters{"key": "tier", "scope": "private", "from": begin + 60, "to": begin + 60}, []string{first, second}},
			{parameters{"key": "tier", "scope": "private", "range": "updated", "from": begin + 61}, []string{third}},
			{parameters{"key": "tier", "limit": 1, "page": 2}, []string{second}},
		} {
			got := a.call(f, "filterUsersByLabel", c.given)
			if got.status != http.StatusCreated || !slices.Equal(got.uids(t), c.want) {
				t.Errorf("%v: %d %s, want %v", c.given, got.status, got.body, c.want)
			}
			if c.given["limit"] == nil && got.header.Get("Total") != fmt.Sprint(len(c.want)) {
				t.Errorf("%v: Total %s, want %d", c.given, got.header.Get("Total"), len(c.want))
			}
		}
		if link := a.call(f, "filterUsersByLabel", parameters{"key": "tier", "limit": 1}).header.Get("Link"); link != `</api/v2/management/labels/filter/users?limit=1&page=2>; rel="next", </api/v2/management/labels/filter/users?limit=1&page=3>; rel="last"` {
			t.Errorf("Link is %s", link)
		}
	})
}

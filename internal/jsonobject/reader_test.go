package jsonobject

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// members reads an object like an operation with the parameters a and b.
func members(t testing.TB, text string) (Members, string, error) {
	t.Helper()
	var got Members
	var whole []byte
	err := Read(t.Context(), []byte(text), func(r *Reader) (err error) {
		got, whole, err = r.Members(func(name []byte) bool { return string(name) == "a" || string(name) == "b" })
		return err
	})
	return got, string(whole), err
}

func TestOnlyWantedMembersAreKept(t *testing.T) {
	t.Parallel()
	got, whole, err := members(t, ` {"a": {"x": [1, 2]}, "c": {"a": 3}, "\u0062": "4", "d": null} `)
	if err != nil || whole != `{"a": {"x": [1, 2]}, "c": {"a": 3}, "\u0062": "4", "d": null}` {
		t.Fatalf("%q, %v", whole, err)
	}
	if len(got.Values) != 2 || string(got.Values["a"]) != `{"x": [1, 2]}` || string(got.Values["b"]) != `"4"` {
		t.Errorf("kept are %s", got.Values)
	}
	if fmt.Sprint(got.Unknown) != "[c d]" {
		t.Errorf("unknown are %q", got.Unknown)
	}
}

func TestNamesOfUnknownMembersAreShortenedAndFew(t *testing.T) {
	t.Parallel()
	var object strings.Builder
	for i := range 100 {
		fmt.Fprintf(&object, `,"%d%s":1`, i, strings.Repeat("ü", 1000))
	}
	got, _, err := members(t, "{"+object.String()[1:]+"}")
	if err != nil || len(got.Unknown) != maxUnknown || got.Unknown[0] != "0"+strings.Repeat("ü", maxName-1)+"…" {
		t.Errorf("%q, %v", got.Unknown, err)
	}
}

// Errors contain the position and nothing of the text.
func TestErrorsNameAPlaceAndNothingOfTheText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"secret": 1, "secret": 2}`:       "has a member twice, at byte 14",
		`{"x": {"secret": 1, "secret":2}}`: "has a member twice, at byte 20",
		`{"secret" 1}`:                     "is not valid JSON, at byte 10",
		`{"secret": "\xff"}`:               "is not valid JSON, at byte 12",
		`{"secret": 1`:                     "is not valid JSON, at byte 12",
		`{} "secret"`:                      "has more after its first JSON value, which ends at byte 2",
		`["secret"]`:                       "is not a JSON object",
		`["secret"`:                        "is not valid JSON, at byte 9",
		``:                                 "is not valid JSON",
	} {
		_, _, err := members(t, text)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestMembersAndValuesAreBounded(t *testing.T) {
	t.Parallel()
	object := func(count int) string {
		var text strings.Builder
		for i := range count {
			fmt.Fprintf(&text, `,"m%d":0`, i)
		}
		return "{" + strings.TrimPrefix(text.String(), ",") + "}"
	}
	for text, sound := range map[string]bool{
		object(MaxMembers):                                   true,
		object(MaxMembers + 1):                               false,
		`{"x":` + object(2*MaxMembers) + `}`:                 true, // not counted, because the members of a skipped value are not visited
		`{"x":` + object(MaxValues) + `}`:                    false,
		`{"a":[0` + strings.Repeat(",0", MaxValues) + `]}`:   false,
		`{"x":"` + strings.Repeat("x", 1<<20) + `"}`:         true,
		`{"x":` + strings.Repeat("[", 2*MaxValues) + `}`:     false,
		`{"x":[` + strings.Repeat("{},", MaxValues) + `{}]}`: false,
	} {
		_, _, err := members(t, text)
		var broken *SyntaxError
		if sound && err != nil || !sound && (!errors.As(err, &broken) || !broken.TooMuch) {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Read(ctx, []byte(`{"a": 1}`), func(r *Reader) error {
		_, _, err := r.Members(func([]byte) bool { return true })
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The reader accepts exactly valid JSON, and finds the same values as the standard library.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":[{"b":[]}],"b":"\u00e9"}`, ` {"a" : {"a":{}} , "c":1e9}`, `{"a":1,"a":2}`, `[1]`, `{"a":`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		var got Members
		err := Read(t.Context(), text, func(r *Reader) (err error) {
			got, _, err = r.Members(func([]byte) bool { return true })
			return err
		})
		if !bytes.Equal(text, before) {
			t.Fatal("the text was changed")
		}
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("what is no JSON was read: %v", err)
		}
		if len(got.Values) != len(want) {
			t.Errorf("%d members, want %d", len(got.Values), len(want))
		}
		for name, value := range want {
			if !bytes.Equal(got.Values[name], value) {
				t.Errorf("%q is %s, want %s", name, got.Values[name], value)
			}
		}
	})
}

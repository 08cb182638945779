package barongdb

import (
	"strings"
	"testing"
)

// secretKeyBase is what the messages below were encrypted with, by ActiveSupport 6.1 with both ciphers that
// Rails 5.2 may use: AES-256-GCM and AES-256-CBC.
const secretKeyBase = "0123456789abcdef-secret-key-base-of-a-test"

var railsMessages = []struct{ plaintext, message string }{
	{"49151123456", "202040.MWiRvcwpJ0fHbdg4rjqh+tKW/g65--TYO5aDlUGKqM9axO--oyQ7spy9yh7fI75jN2RLkQ=="},
	{"Zoë O'Hara", "202101.8Hi6LBhWRYDQ4cnqNJInjjc08lqB--0jPVJteAE1PsAP5v--rj/oyk/pGSo20OgsFIatzA=="},
	{"1990-02-28", "202040.j56700aAoPXZ8j5238lTzZwopoM=--3rbJ0V6OwkLUtCBs--iESgMJrqCnB4JxlpIoz+yQ=="},
	{"", "202101.1TdqRcPXe1N7yg==--ot4lB7RmbTlvTQgn--BJg/F7LFZHz1i5kksUO4zg=="},
	{strings.Repeat("x", 200), "202040.3NyY4TMRi4CemHMj2jsL7lLTsJwtG2dIYthr0fNOCCtfoPQk/OgYufC+zrabUq4L09a7GilR3hn5zgovRufDvIg5m31rGBUz9GijyxC/TDf73GsmbyKUEgoYYCF5kP5oixNrlQyvDVDzSgvfoY+534VOCADy8lX7IThFtkr3QnGEv5spuH7zw5owhF3rbZR6iDm5YoMAEk9to14RAjJ62feErS88DliTFD5E91X7LJjz1hyyOgv1mPYW5M2JHm1NVkVg7uF3qEnpGX0UUh5qjxnSwA==--Z/isWbrQ90kVc7Zt--ne0WQU8X0DzfmKVI3J5H4w=="},
	{strings.Repeat("y", 300), "202101.C5hKwYXI6/QV06rdkWpZZp3EKgihOV6MDf3PxkYw0a6p4aw5UQy38GaU7zX7y6OzCPANWtaUXgiB98ZvtI6w6VUc8PerQ65qhRfP7vT9g0oqmnVyohFSKUyaQWhLZZ0bBWbdhO0zGhSsnNp0lOYYVU22eWFkSRbCx3iR9ACE32S8nil/4z8UFZ3dC2DMM0rHuP41lKNlRbY9p6eKNtj0dIarmjvrVTvlJrJBWP1bQqIiK9ib7EeH/IuWEWQQcXlu/ExVSIYg1fPMp5U1xj9rbHxgNHSIsRMFHU89krEkKv6H1ErppoG80VDXIyzx6Q6/P9C6yDdy91vGzV2y+bzKa21KLzAUtCKTKdu2IF4cZamy/UPrx71zx6BG4PM2PNysIqJACJCzRKP8eKMOXEYs3AckfbBH4ci2--xw1r/UAYPXGGkARX--ovYSYx/mlHLN0Jp/WlAGcg=="},
	{"49151123456", "202040.bU8wWS8zVUdPKzgzNTV6M0FNMWhkOVNGMCtaa0sxWmlBYyt2bjJDN3Nsaz0tLThzdTVBbEFHbkVlVHhtUHlwSDAwVnc9PQ==--2bd0572a246c94146b98cf592d9ced05dc0abdb3"},
	{"Zoë O'Hara", "202101.cWVndEkwY1VBZkt5YktqaEdtWTRVb2JKNkh4RTBTMjNQdlRNcXJKbk9ZZz0tLS9HSU1Bbm1xVmVJbWFnYVRJMFN1UFE9PQ==--4bdeac2728f41f1cd31c555071758d70194b1887"},
	{"1990-02-28", "202040.YzkwUkpOVXNVTDZrcUFsZEpQek9Da1pBTDdqOUYwWVYzSFVCSisyN3pQMD0tLVdIY3gwSFJDQXFNWVBzcmNQeUY2L1E9PQ==--fde68f4d64c1fd96a5884638025aa34b6a06bf9d"},
	{"", "202101.WjkvL21Jd25zK1hDVmhWTVpYeHB3dz09LS01QnhUcWlBMEVzbEtaYlU2Nk1nUlhBPT0=--e0ecbc803a7dd5cc717027e88e556b227153157c"},
	{strings.Repeat("x", 200), "202040.SHF2QlQyUXNTQlU4eHVWTHJyUjdwZll3aCt5SW55cUphZE4yR2s2WkpraW9BYWkrV2hsSlhhbHk3OTFVZE1LNHNiNGRrNVcrajQyQ084bHAyVkFERU1nYy9GdlVESGg2RkhUblpGTnRxNEJaU29WdlZKMGpsN25yZ2twREFJRDUvNysvKysvS1NWYzB2MWU3eGNCTVlmV0gza2lWbUlKSy9jeXZPVzZmcldXcS8zMFlTQW12VVFNMUNZbktNVW42MHhibDFpMmdocDdhME1zaU83TUxTM3ZMS2lvQ3FKWTViNE1nZW1DdWhOck1KWTZWc2J6WmxLVW9YMmRCVEttcy9ETjdSY1gyYThSYVFTVXJYZXc5WFIwdytLTWJZZHVWZTA2M0NRTnRzQ3c9LS10SEVCSVp6TDBNcEFoM3RiN2pnRE93PT0=--fd61fe8303bfce5c380d9c9dec9dd4cb8f1fb293"},
	{strings.Repeat("y", 300), "202101.NWw5a1MzaEpHVTJ2Q0x6THViR0tHMnFIK2IwbGlSZHhkQVRYRUtMcURTYXlkRUZReXBmTmY5dm1ZWEk1Mjl0ZmFBSTNGQlB3SVBuT0J0N3RBN3NaOVNhZG5lVTQySmVPVGxOTHc1ZUF2MGpDUFA4bHpPd2laUGpTaWU0TmQzdTljeVg0Rk5LSU95Ni9xVk5sOWZYdWhOVE5BaW5ac3RGakdkMGduY1ZRMkI2aHBaMzAwM3JqUkhlTkhlYTVrcDZjRURCTnEvRlM3bkJHcEJNUHpGZ1hEYmdkUUliaGkxRjdUOWlHQUJwc0NYNnFVZDBkcEk5M2t3b3o4WEI2dEhYN1hwbGluMVB1V0RqR2dORjM5OC9UMzkvZCt1Z2tCd1hLRHc5Y0dtSy9BZ2xvY3hhanR0T2FoNWUxNFdSb1U3Mm5CMkZKekVocEhzMzBTVVU0NmNXQmVvYUVWS3NRcjlsM00wRjRKMTRhS2xaOUp0U0c1M2hQc2tIN01CRkRkWWkydFRIQVdjUzFHQndVR3dvM2p2TWpBWnhRS2pXTndUUUlSU1FCbFVmSDRwYz0tLWFkYi9ObUJGRTkwUXNJRysxU1I0WHc9PQ==--7c8cdec4bc62fef6e4e8441003cb23b4a364e48c"},
}

func TestMessagesOfRailsAreDecrypted(t *testing.T) {
	t.Parallel()
	keys := newRailsKeys(secretKeyBase)
	for _, m := range railsMessages {
		if got := keys.decrypt(m.message); got == nil || *got != m.plaintext {
			t.Errorf("%s: not %q", m.message, m.plaintext)
		}
	}
}

func TestOtherMessagesAreNotDecrypted(t *testing.T) {
	t.Parallel()
	keys, others := newRailsKeys(secretKeyBase), newRailsKeys("another base")
	for _, m := range railsMessages {
		if got := others.decrypt(m.message); got != nil {
			t.Errorf("another key decrypts %s to %q", m.message, *got)
		}
		for i := range m.message {
			changed := m.message[:i] + "A" + m.message[i+1:]
			if i%7 != 0 || changed == m.message {
				continue
			}
			if got := keys.decrypt(changed); got != nil && *got != m.plaintext {
				t.Errorf("%s is decrypted to %q", changed, *got)
			}
		}
	}
	for _, text := range []string{"", ".", "202040", "202040.", "202040.--", "202040.----", "202040.a--b", "202040.YQ==--00", "2020x0.a--b--c", strings.Repeat("1", 100) + ".a--b"} {
		if got := keys.decrypt(text); got != nil {
			t.Errorf("%q is decrypted to %q", text, *got)
		}
	}
}

func TestOnlyStringsOfRubyAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\x04\x08I\"\x00\x06:\x06ET": "", "\x04\x08\"\x08abc": "abc", "\x04\x08I\"\x02\x00\x01" + strings.Repeat("z", 256): strings.Repeat("z", 256),
	} {
		if got := unmarshalRuby([]byte(text)); got == nil || *got != want {
			t.Errorf("%q: not %q", text, want)
		}
	}
	for _, text := range []string{"", "\x04\x08", "\x04\x08\"", "\x04\x08i\x06", "\x04\x08\"\x09abc", "\x04\x08\"\x02\x01", "\x04\x08\"\x04\xff\xff\xff\xff", "\x04\x08\"\xfa", "\x04\x09\"\x08abc"} {
		if got := unmarshalRuby([]byte(text)); got != nil {
			t.Errorf("%q is %q", text, *got)
		}
	}
}

package tests

import (
	"net/http"
	"testing"
)

func TestNationalNumbersAreReadByThePlanOfTheConfiguredCountryOrRefused(t *testing.T) {
	t.Parallel()
	const national, pasted = "(203) 451-7190", "\u202a（203）\u00a0451‑7190\u202c"
	abroad := start(t)
	abroad.call(envelopeForm, "importUser", parameters{"email": "a@b", "password_digest": digest, "phone": national}).
		refused(t, http.StatusUnprocessableEntity, "[Number is invalid]")
	egyptian := abroad.user(parameters{"phone": "+20 3 4517190"})
	for _, spelling := range []string{national, pasted} {
		abroad.call(envelopeForm, "getUser", parameters{"phone_num": spelling}).refused(t, http.StatusNotFound, "Record is not found")
	}
	if found := abroad.must("getUser", parameters{"phone_num": "2034517190"}).object(t); found["uid"] != egyptian {
		t.Errorf("found %v, want %v", found["uid"], egyptian)
	}

	home := start(t, func(s *setup) { s.policy.PhoneCountry = "US" })
	uid := home.user(parameters{"phone": national})
	home.call(envelopeForm, "importUser", parameters{"email": "a@b", "password_digest": digest, "phone": pasted}).
		refused(t, http.StatusUnprocessableEntity, "[Number has already been taken]")
	for _, spelling := range []string{national, pasted, "+1 203 451 7190", "12034517190"} {
		if found := home.must("getUser", parameters{"phone_num": spelling}).object(t); found["uid"] != uid {
			t.Errorf("%q found %v, want %v", spelling, found["uid"], uid)
		}
	}
}

func TestNationalNumbersInFilesAreReadByThePlanOfTheConfiguredCountryOrRefused(t *testing.T) {
	t.Parallel()
	const row = `{"email":"a@b","password_digest":"` + digest + `","phones":[{"number":"(203) 451-7190"}],"phone":"\u202a(203) 451-7191"}` + "\n"
	b := newBulk(t)
	file := b.write("users.ndjson", row)
	b.run(3, "import", file)
	if n := b.count("SELECT count(*) FROM phones"); n != 0 {
		t.Errorf("%d numbers were imported without a country", n)
	}
	b.settings["BARONG_PHONE_COUNTRY"] = "us"
	b.run(0, "import", "--restart", file)
	if n := b.count("SELECT count(*) FROM phones WHERE country = 'US' AND number IN ('12034517190', '12034517191')"); n != 2 {
		t.Errorf("%d of 2 numbers were imported as American", n)
	}
}

package auth

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// defaultLeeway is how far the clocks of callers may be off unless the file says
// otherwise: some tens of milliseconds are usual, and Barong does not look at iat.
const defaultLeeway = 5 * time.Second

// maxNumericDate is the last second of the year 9999. A later date is no date but a
// mistake, which would hardly ever expire.
const maxNumericDate = 253402300799

// firstMilliseconds is the number above which a date is one of milliseconds, as
// JavaScript's Date.now() gives it: March 1973. In seconds it is the year 5138.
const firstMilliseconds = 1e11

// clockError is a claim that the time refuses: the clocks differ, or the request
// comes late. Its text says by how much.
type clockError string

func (e clockError) Error() string { return string(e) }

// numericDate is a claim that is a time (RFC 7519 §2), with a fraction or without.
type numericDate struct {
	given        bool
	at           time.Time
	milliseconds bool  // it was not in seconds
	err          error // it is given, and no date
}

// dates are the claims that are times.
type dates struct{ exp, nbf, iat numericDate }

func (c claimSet) dates() dates {
	return dates{exp: readDate("exp", c.exp), nbf: readDate("nbf", c.nbf), iat: readDate("iat", c.iat)}
}

func readDate(claim string, value jsontext.Value) (d numericDate) {
	if value == nil {
		return d
	}
	d.given = true
	if value.Kind() != '0' {
		d.err = fmt.Errorf("%s is not a number", claim)
		return d
	}
	number, err := strconv.ParseFloat(string(value), 64)
	if number > firstMilliseconds {
		number, d.milliseconds = number/1000, true
	}
	if err != nil || math.Abs(number) > maxNumericDate {
		d.milliseconds = false
		d.err = fmt.Errorf("%s is not a number of seconds since 1970", claim)
		return d
	}
	whole, fraction := math.Modf(number)
	d.at = time.Unix(int64(whole), int64(fraction*float64(time.Second)))
	return d
}

// inMilliseconds says whether one of the times is not in seconds.
func (d dates) inMilliseconds() bool {
	return d.exp.milliseconds || d.nbf.milliseconds || d.iat.milliseconds
}

// lifetime is how long the signature is good: from iat or, without one that has
// begun, from now. It is 0 where nothing says when it ends.
func (d dates) lifetime(now time.Time, leeway time.Duration) time.Duration {
	if !d.exp.given || d.exp.err != nil {
		return 0
	}
	// A signer who says that it will be made later would have any lifetime.
	if d.iat.given && d.iat.err == nil && !d.iat.at.After(now.Add(leeway)) {
		return d.exp.at.Sub(d.iat.at)
	}
	return d.exp.at.Sub(now)
}

// checkDates says which time fails, and by how much.
func (r claimRules) checkDates(d dates, now time.Time) error {
	if r.expiration {
		switch {
		case !d.exp.given:
			return errors.New("exp is missing, and a token must expire")
		case d.exp.err != nil:
			return d.exp.err
		case !now.Before(d.exp.at.Add(r.expLeeway)):
			return clockError(fmt.Sprintf("exp was %s ago, by the server's clock; %s are allowed", off(now.Sub(d.exp.at)), r.expLeeway))
		}
	}
	for _, start := range []struct {
		name     string
		enforced bool
		numericDate
		leeway time.Duration
	}{
		{"nbf", r.notBefore, d.nbf, r.nbfLeeway},
		{"iat", r.issuedAt, d.iat, r.iatLeeway},
	} {
		switch {
		case !start.enforced:
		case start.err != nil:
			return start.err
		case start.given && start.at.After(now.Add(start.leeway)):
			return clockError(fmt.Sprintf("%s is %s ahead of the server's clock; %s are allowed", start.name, off(start.at.Sub(now)), start.leeway))
		}
	}
	if r.maxLifetime > 0 {
		// Where the lifetime is counted from now, the caller's clock may be ahead.
		allowed := r.maxLifetime
		if !d.iat.given {
			allowed += r.expLeeway
		}
		if lifetime := d.lifetime(now, r.iatLeeway); lifetime > allowed {
			return fmt.Errorf("it is good for %s, and jwt.max_lifetime allows %s", off(lifetime), r.maxLifetime)
		}
	}
	return nil
}

// off is a difference of clocks for people: no nanoseconds.
func off(by time.Duration) time.Duration { return by.Round(time.Millisecond) }

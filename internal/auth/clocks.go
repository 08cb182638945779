package auth

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// defaultLeeway is the tolerance for clock differences unless the file sets one. Differences
// of some tens of milliseconds are normal, and Barong does not check iat.
const defaultLeeway = 5 * time.Second

// maxNumericDate is the last second of the year 9999. A later date is a mistake, and would
// hardly ever expire.
const maxNumericDate = 253402300799

// firstMilliseconds is the number above which a time is read as milliseconds, the unit of
// JavaScript's Date.now(): March 1973. In seconds it would be the year 5138.
const firstMilliseconds = 1e11

// clockError is the failure of a time claim: the clocks differ, or the request arrived late.
// Its text says by how much.
type clockError string

func (e clockError) Error() string { return string(e) }

// numericDate is a time claim (RFC 7519 §2), with or without a fraction.
type numericDate struct {
	given        bool
	at           time.Time
	milliseconds bool  // the number was in milliseconds
	err          error // present but not a date
}

// dates are the time claims.
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

// inMilliseconds reports whether one of the times is in milliseconds.
func (d dates) inMilliseconds() bool {
	return d.exp.milliseconds || d.nbf.milliseconds || d.iat.milliseconds
}

// lifetime returns how long the signature is valid, from iat, or from now if iat is missing or
// in the future. It is 0 if the claims set no end.
func (d dates) lifetime(now time.Time, leeway time.Duration) time.Duration {
	if !d.exp.given || d.exp.err != nil {
		return 0
	}
	// An iat in the future would shorten the computed lifetime of any token to below the
	// limit.
	if d.iat.given && d.iat.err == nil && !d.iat.at.After(now.Add(leeway)) {
		return d.exp.at.Sub(d.iat.at)
	}
	return d.exp.at.Sub(now)
}

// checkDates returns an error that names the first invalid time, and by how much it is off.
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
		// A lifetime counted from now may include the lead of the client's clock.
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

// off rounds a clock difference for people.
func off(by time.Duration) time.Duration { return by.Round(time.Millisecond) }

package server

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"barong/internal/auth"
	"barong/internal/spec"
)

// all is the wildcard for every signer or every operation.
const all = "*"

// selector is the signer and the operation that a rule applies to; each is a name or all.
type selector struct{ signer, operation string }

// rateRule is a rate limit for each signer that it applies to.
type rateRule struct {
	perSecond float64 // refill rate; infinite if the rule lifts the limit
	burst     int     // bucket size
	policy    string  // the value of RateLimit-Policy
	name      string  // quoted, as in both headers
}

func (r *rateRule) unlimited() bool { return math.IsInf(r.perSecond, 1) }

// ParseRateLimits parses BARONG_RATE_LIMITS, a list of rules separated by commas, for example
//
//	*=100/s, createUser=5/s burst 20, backend:*=none, backend:signOTP=600/m
//
// The left side is an operationId, or a signer and an operationId separated by a colon; * means
// all. The right side is a rate per second (s), minute (m) or hour (h), optionally with a burst,
// which defaults to the number of the rate; or none for no limit. An empty text returns nil
// without an error: there are no limits. An error names a rule by its position only, because its
// text may contain anything.
func ParseRateLimits(text string, keychain *auth.Keychain) (*RateLimits, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil //nolint:nilnil // as documented
	}
	document, err := Specification()
	if err != nil {
		return nil, err
	}
	operations := map[string]bool{all: true}
	for operation := range spec.Operations(document) {
		operations[operation.OperationID] = true
	}
	limits := &RateLimits{rules: map[selector]*rateRule{}, buckets: map[bucketKey]*bucket{}}
	for i, each := range strings.Split(text, ",") {
		about, rule, err := parseRateRule(strings.TrimSpace(each))
		switch {
		case err != nil:
		case !operations[about.operation]:
			err = errors.New("there is no such operation")
		case about.signer != all && !keychain.Knows(about.signer):
			err = errors.New("the keychain has no such signer")
		case limits.rules[about] != nil:
			err = errors.New("another rule is about the same")
		}
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		limits.rules[about] = rule
	}
	return limits, nil
}

func parseRateRule(text string) (selector, *rateRule, error) {
	left, right, ok := cutLast(text, "=")
	if !ok {
		return selector{}, nil, errors.New("a rule is written as operation=100/s or signer:operation=100/s")
	}
	name := strings.TrimSpace(left)
	about := selector{signer: all, operation: name}
	if signer, operation, ok := cutLast(name, ":"); ok {
		about = selector{signer, operation}
	}
	for _, c := range name {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return about, nil, errors.New("a name that is to stand in a header must be of ASCII, without quotes and backslashes")
		}
	}
	rule, err := parseRate(strings.TrimSpace(right))
	if err != nil {
		return about, nil, err
	}
	rule.name = `"` + name + `"`
	if !rule.unlimited() {
		// The window is the time, in whole seconds rounded up, after which the full burst is
		// available again. A client that keeps to this policy is never limited.
		window := math.Ceil(float64(rule.burst) / rule.perSecond)
		rule.policy = fmt.Sprintf("%s;q=%d;w=%.0f", rule.name, rule.burst, window)
	}
	return about, rule, nil
}

// mostAtOnce is the maximum of each number in a rule, far above any sensible value.
const mostAtOnce = 1_000_000

func parseRate(text string) (*rateRule, error) {
	if text == "none" {
		return &rateRule{perSecond: math.Inf(1)}, nil
	}
	rate, burst, hasBurst := strings.Cut(text, " burst ")
	number, unit, _ := strings.Cut(rate, "/")
	seconds := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit].Seconds()
	count, err := strconv.Atoi(number)
	if err != nil || seconds == 0 || count < 1 || count > mostAtOnce {
		return nil, fmt.Errorf("a rate is written as 100/s, 100/m or 100/h, up to %d, or none", mostAtOnce)
	}
	rule := &rateRule{perSecond: float64(count) / seconds, burst: count}
	if hasBurst {
		if rule.burst, err = strconv.Atoi(strings.TrimSpace(burst)); err != nil || rule.burst < 1 || rule.burst > mostAtOnce {
			return nil, fmt.Errorf("behind burst stands a number from 1 to %d", mostAtOnce)
		}
	}
	return rule, nil
}

// cutLast is strings.Cut at the last separator: the name of a signer may contain the
// separator.
func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}

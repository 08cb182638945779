package tests

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"barong/internal/identity"
)

// clients is how many call at once.
const clients = 50

// concurrently runs the calls of all clients, which start together, and returns their
// answers.
func concurrently(call func(i int) answer) []answer {
	answers := make([]answer, clients)
	var started, done sync.WaitGroup
	started.Add(1)
	for i := range clients {
		done.Go(func() {
			started.Wait()
			answers[i] = call(i)
		})
	}
	started.Done()
	done.Wait()
	return answers
}

func count(answers []answer, status int) int {
	n := 0
	for _, x := range answers {
		if x.status == status {
			n++
		}
	}
	return n
}

func TestOneOfManyWinsTheSameEmail(t *testing.T) {
	t.Parallel()
	for operation, given := range map[string]parameters{
		"createUser": {"password": "Tecohvi0"},
		"importUser": {"password_digest": digest},
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			answers := concurrently(func(i int) answer {
				mine := parameters{"email": []string{"Ada@example.com", "ada@EXAMPLE.com"}[i%2]}
				for name, value := range given {
					mine[name] = value
				}
				return a.call(forms[i%3], operation, mine)
			})
			if won, lost := count(answers, http.StatusCreated), count(answers, http.StatusUnprocessableEntity); won != 1 || won+lost != clients {
				t.Errorf("%d won, %d lost, of %d: %v", won, lost, clients, answers)
			}
			if rows := a.rows(); rows[0] != 1 {
				t.Errorf("%d users are there", rows[0])
			}
		})
	}
}

func TestOneOfManyWinsTheSameNumber(t *testing.T) {
	t.Parallel()
	a := start(t)
	answers := concurrently(func(i int) answer {
		return a.call(envelopeForm, "importUser", parameters{"email": fmt.Sprintf("user%d@example.com", i), "password_digest": digest, "phone": "+442079460018", "city": "London"})
	})
	if won, lost := count(answers, http.StatusCreated), count(answers, http.StatusUnprocessableEntity); won != 1 || won+lost != clients {
		t.Errorf("%d won, %d lost: %v", won, lost, answers)
	}
	if rows := a.rows(); rows != [4]int{1, 1, 1, 1} {
		t.Errorf("users, phones, profiles, labels: %v", rows)
	}
}

// Whatever the order in which 50 clients write the labels of one user, what
// stands in the end must be what some serial order gives: level and state are a
// function of the labels that are there.
func TestLevelAndStateStayTrueToTheLabelsUnderConcurrentWrites(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	policy := identity.DefaultPolicy()
	keys := []string{"email", "phone", "document", "suspicious", "fraud"}
	for round := range 4 {
		answers := concurrently(func(i int) answer {
			key := keys[(i+round)%len(keys)]
			switch i % 4 {
			case 0:
				return a.call(envelopeForm, "createLabel", parameters{"user_uid": uid, "key": key, "value": "verified"})
			case 1:
				return a.call(jsonForm, "updateLabel", parameters{"user_uid": uid, "key": key, "value": []string{"verified", "rejected"}[i/4%2]})
			case 2:
				return a.call(formForm, "updateLabel", parameters{"user_uid": uid, "key": key, "value": "verified", "replace": false})
			default:
				return a.call(envelopeForm, "deleteLabel", parameters{"user_uid": uid, "key": key})
			}
		})
		for _, x := range answers {
			if x.status >= http.StatusInternalServerError {
				t.Errorf("%d %s", x.status, x.body)
			}
		}
		var labels []identity.Label
		for _, label := range a.must("listLabels", parameters{"user_uid": uid}).list(t) {
			labels = append(labels, identity.Label{Key: label["key"].(string), Value: label["value"].(string), Scope: label["scope"].(string)})
		}
		level, state := a.standing(uid)
		if level != policy.Level(labels) || state != policy.State(labels) {
			t.Errorf("level %d and state %s do not follow from %v", level, state, labels)
		}
	}
}

func TestOneOfManyCreatesALabelAndOneDeletesIt(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	created := concurrently(func(int) answer {
		return a.call(envelopeForm, "createLabel", parameters{"user_uid": uid, "key": "email", "value": "verified"})
	})
	if won := count(created, http.StatusCreated); won != 1 || won+count(created, http.StatusUnprocessableEntity) != clients {
		t.Errorf("%d created the label", won)
	}
	deleted := concurrently(func(int) answer {
		return a.call(envelopeForm, "deleteLabel", parameters{"user_uid": uid, "key": "email"})
	})
	if won := count(deleted, http.StatusCreated); won != 1 || won+count(deleted, http.StatusNotFound) != clients {
		t.Errorf("%d deleted the label", won)
	}
}

func TestPagesDoNotOverlapWhileUsersArrive(t *testing.T) {
	t.Parallel()
	a := start(t)
	for range 10 {
		a.user(nil)
	}
	var arriving sync.WaitGroup
	arriving.Go(func() {
		for i := range 20 {
			a.call(envelopeForm, "importUser", parameters{"email": fmt.Sprintf("late%d@example.com", i), "password_digest": digest})
		}
	})
	var seen []string
	for page := 1; ; page++ {
		uids := a.must("listUsers", parameters{"limit": 3, "page": page}).uids(t)
		if len(uids) == 0 {
			break
		}
		seen = append(seen, uids...)
	}
	arriving.Wait()
	slices.Sort(seen)
	if unique := slices.Compact(slices.Clone(seen)); len(unique) != len(seen) || len(seen) < 10 {
		t.Errorf("%d users on all pages, %d different ones", len(seen), len(unique))
	}
}

package config

import (
	"cmp"
	"net"
	"net/url"
)

// eventsURL is the setting that Barong's settings of its broker stand for.
const eventsURL = "BARONG_EVENTS_AMQP_URL"

// Barong's settings of its broker, under their names of 2.6 and of 2.3. A URL comes before the others.
const brokerURLName = "EVENT_API_RABBITMQ_URL"

var (
	brokerHosts     = []string{"BARONG_EVENT_API_RABBITMQ_HOST", "EVENT_API_RABBITMQ_HOST"}
	brokerPorts     = []string{"BARONG_EVENT_API_RABBITMQ_PORT", "EVENT_API_RABBITMQ_PORT"}
	brokerUsers     = []string{"BARONG_EVENT_API_RABBITMQ_USERNAME", "EVENT_API_RABBITMQ_USERNAME"}
	brokerPasswords = []string{"BARONG_EVENT_API_RABBITMQ_PASSWORD", "EVENT_API_RABBITMQ_PASSWORD"}
)

// brokerAliases returns those of Barong's settings of its broker that an environment has. All but the
// broker's own URL, which prevails, are used together.
func brokerAliases(environment map[string]string) (found []Alias) {
	own := IsSet(environment, eventsURL)
	if environment[brokerURLName] != "" {
		found = append(found, Alias{brokerURLName, eventsURL, !own})
		own = true
	}
	for _, names := range [][]string{brokerHosts, brokerPorts, brokerUsers, brokerPasswords} {
		used := !own
		for _, name := range names {
			if environment[name] != "" {
				found = append(found, Alias{name, eventsURL, used})
				used = false
			}
		}
	}
	return found
}

// brokerURL returns the URL of the broker that Barong's settings describe, with Barong's defaults, or ""
// without any of them.
func brokerURL(environment map[string]string) string {
	if len(brokerAliases(environment)) == 0 {
		return ""
	}
	if whole := environment[brokerURLName]; whole != "" {
		return whole
	}
	first := func(names []string) string { return cmp.Or(environment[names[0]], environment[names[1]]) }
	return (&url.URL{
		Scheme: "amqp", Host: net.JoinHostPort(cmp.Or(first(brokerHosts), "localhost"), cmp.Or(first(brokerPorts), "5672")),
		User: url.UserPassword(cmp.Or(first(brokerUsers), "guest"), cmp.Or(first(brokerPasswords), "guest")),
	}).String()
}

package config

import "testing"

// Guards that a server in Barong's place finds Barong's broker by the settings of either version, and that
// events are off without any.
func TestBarongsNamesOfTheBrokerAreRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given map[string]string
		want  string
	}{
		"none":          {map[string]string{}, ""},
		"a URL of 2.3":  {map[string]string{"EVENT_API_RABBITMQ_URL": "amqps://u:p@mq/v", "EVENT_API_RABBITMQ_HOST": "other"}, "amqps://u:p@mq/v"},
		"a host of 2.3": {map[string]string{"EVENT_API_RABBITMQ_HOST": "mq"}, "amqp://guest:guest@mq:5672"},
		"all of 2.6": {map[string]string{
			"BARONG_EVENT_API_RABBITMQ_HOST": "mq", "BARONG_EVENT_API_RABBITMQ_PORT": "5673",
			"BARONG_EVENT_API_RABBITMQ_USERNAME": "barong", "BARONG_EVENT_API_RABBITMQ_PASSWORD": "s/e@c", "EVENT_API_RABBITMQ_HOST": "other",
		}, "amqp://barong:s%2Fe%40c@mq:5673"},
		"only a password":    {map[string]string{"EVENT_API_RABBITMQ_PASSWORD": "secret"}, "amqp://guest:secret@localhost:5672"},
		"the own URL":        {map[string]string{eventsURL: "amqp://own", "EVENT_API_RABBITMQ_URL": "amqp://other"}, "amqp://own"},
		"the own URL's file": {map[string]string{eventsURL + "_FILE": "/run/url", "EVENT_API_RABBITMQ_HOST": "mq"}, ""},
	} {
		got, err := withAliases(test.given)
		if err != nil || got[eventsURL] != test.want {
			t.Errorf("%s: %q, %v", name, got[eventsURL], err)
		}
		used := 0
		for _, alias := range Aliases(test.given) {
			if alias.Used {
				used++
			}
		}
		if wanted := map[string]int{"a URL of 2.3": 1, "a host of 2.3": 1, "all of 2.6": 4, "only a password": 1}[name]; used != wanted {
			t.Errorf("%s: %d names are used, not %d", name, used, wanted)
		}
	}
}

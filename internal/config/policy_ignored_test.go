package config

import "testing"

func TestMisspeltMembersOfBarongYMLHaveANearestOne(t *testing.T) {
	for name, want := range map[string]string{
		"state_triger_match": "state_trigger_match", "state_trigers": "state_triggers", "captcha_protected_endpoints": "",
	} {
		if nearest, _ := NearestRule(name); nearest != want {
			t.Errorf("%s is taken for %q, want %q", name, nearest, want)
		}
	}
}

package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"barong/clients/go/api"
)

func TestADateIsADayInJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(api.CreateDocumentParameters{DocExpire: new(api.NewDate(2031, time.April, 1))})
	if err != nil {
		t.Fatal(err)
	}
	var read api.CreateDocumentParameters
	if err := json.Unmarshal(text, &read); err != nil || read.DocExpire.String() != "2031-04-01" {
		t.Errorf("%s was read as %v (%v)", text, read.DocExpire, err)
	}
	for _, wrong := range []string{`"2031-13-01"`, `"2031-04-01T00:00:00Z"`, `5`, `""`} {
		if err := json.Unmarshal([]byte(wrong), new(api.Date)); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

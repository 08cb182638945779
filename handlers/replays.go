package handlers

import (
	"context"
	"encoding/json"

	"barong/generated"
	"barong/internal/identity"
	"barong/internal/journal"
	"barong/repository"
)

// repetition is a request that was executed before, with what the first one left.
type repetition struct {
	request any // as the handler gets it
	spent   repository.SpentKey
	key     *journal.Key // opens a sealed answer
}

// replay returns the response to a repetition.
type replay func(ctx context.Context, h *Handlers, r repetition) (any, error)

// replays has one entry for each operation whose repetitions get a response, by its name in the generated
// code. A repetition of another operation is answered that it was executed. SignOTP has no entry: whoever
// captured a request must not get a signature for it.
var replays = map[string]replay{
	"CreateLabel": replayLabel(func(l generated.Label) any { return generated.CreateLabel201JSONResponse(l) }),
	"UpdateLabel": replayLabel(func(l generated.Label) any { return generated.UpdateLabel200JSONResponse(l) }),
	"DeleteLabel": replayLabel(func(l generated.Label) any { return generated.DeleteLabel201JSONResponse(l) }),
}

// replayLabel makes the response from the label as the first request left it: it may be changed or deleted
// since.
func replayLabel(respond func(generated.Label) any) replay {
	return func(_ context.Context, _ *Handlers, r repetition) (any, error) {
		var stored repository.LabelAnswer
		if err := json.Unmarshal(r.spent.Answer, &stored); err != nil {
			return nil, err
		}
		return respond(viewLabel(identity.Label(stored))), nil
	}
}

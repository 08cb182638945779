package handlers

import (
	"context"

	"barong/generated"
)

// GetTimestamp returns the server's time.
func (h *Handlers) GetTimestamp(context.Context, generated.GetTimestampRequestObject) (generated.GetTimestampResponseObject, error) {
	return generated.GetTimestamp201JSONResponse{Timestamp: h.Clock().Unix()}, nil
}

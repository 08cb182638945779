package handlers

import (
	"context"

	"barong/generated"
)

// GetTimestamp answers the server's time.
func (h *Handlers) GetTimestamp(context.Context, generated.GetTimestampRequestObject) (generated.GetTimestampResponseObject, error) {
	return generated.GetTimestamp201JSONResponse{Timestamp: h.Clock().Unix()}, nil
}

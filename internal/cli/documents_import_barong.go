package cli

import (
	"context"
	"errors"
)

func openBarongsDocuments(context.Context, string) (documentRows, error) {
	return documentRows{}, errors.New("x")
}

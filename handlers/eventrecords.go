package handlers

import (
	"context"
	"errors"

	"barong/generated"
	"barong/internal/documents"
	"barong/internal/identity"
	"barong/repository"
)

// EventRecords reads the records that an event is about, as the operations answer them.
type EventRecords struct {
	Repo      *repository.Repository
	Documents *documents.Store
}

// EventSubject says which records an event is about beside the user. The zero value of a member: none.
type EventSubject struct {
	LabelKey, LabelScope string
	Profile              int // number
	Document             int64
}

// Records returns the user and the subject as they are now, by name. A subject that is gone is left out, and
// without the user the result is nil.
func (e EventRecords) Records(ctx context.Context, uid string, about EventSubject) (map[string]any, error) {
	user, err := e.Repo.FindUser(ctx, repository.ByUID(uid))
	if errors.Is(err, identity.ErrRecordNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	records := map[string]any{"user": viewUser(user)}
	for _, label := range user.Labels {
		if about.LabelKey != "" && label.Key == about.LabelKey && label.Scope == about.LabelScope {
			records["label"] = viewLabel(label)
		}
	}
	if about.Profile != 0 {
		profile, err := e.Repo.EventProfile(ctx, uid, about.Profile)
		if err == nil {
			records["profile"] = viewProfile(&profile)
		} else if !errors.Is(err, identity.ErrRecordNotFound) {
			return nil, err
		}
	}
	if about.Document != 0 {
		view, err := e.document(ctx, about.Document)
		if err == nil {
			records["document"] = view
		} else if !errors.Is(err, identity.ErrRecordNotFound) {
			return nil, err
		}
	}
	return records, nil
}

func (e EventRecords) document(ctx context.Context, id int64) (view generated.Document, err error) {
	document, err := e.Repo.EventDocument(ctx, id)
	if err != nil {
		return view, err
	}
	url, err := e.Documents.URL(ctx, document.File)
	if err != nil {
		return view, err
	}
	return viewDocument(document, url), nil
}

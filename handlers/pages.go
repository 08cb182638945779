package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"barong/generated"
	"barong/internal/identity"
	"barong/repository"
)

// BasePath is the path under which openapi.yaml serves its operations.
const BasePath = "/api/v2/management"

// listPage is the response of the operations that list page by page. It replaces the generated
// []ListedUser, which cannot distinguish a null profile from an omitted one.
type listPage struct {
	rows  any // []generated.User, []generated.UserWithFullInfo or []generated.ServiceAccount
	page  repository.Page
	total int64
	path  string
}

var (
	_ generated.ListUsersResponseObject           = listPage{}
	_ generated.FilterUsersByLabelResponseObject  = listPage{}
	_ generated.ListServiceAccountsResponseObject = listPage{}
)

// viewPage shows users in the short or the extended form; the extended form loads their relations.
func (h *Handlers) viewPage(ctx context.Context, path string, users []identity.User, extended bool, page repository.Page, total int64) (listPage, error) {
	view := listPage{page: page, total: total, path: BasePath + path}
	if !extended {
		view.rows = viewAll(users, viewUser)
		return view, nil
	}
	if err := h.Repo.LoadRelations(ctx, users); err != nil {
		return view, err
	}
	view.rows = viewAll(users, viewUserWithFullInfo)
	return view, nil
}

// VisitListUsersResponse writes the page.
func (p listPage) VisitListUsersResponse(w http.ResponseWriter) error { return p.write(w) }

// VisitFilterUsersByLabelResponse writes the page.
func (p listPage) VisitFilterUsersByLabelResponse(w http.ResponseWriter) error { return p.write(w) }

// VisitListServiceAccountsResponse writes the page.
func (p listPage) VisitListServiceAccountsResponse(w http.ResponseWriter) error { return p.write(w) }

// pageBodies is a pool of buffers for encoded pages.
var pageBodies = sync.Pool{New: func() any { return &bytes.Buffer{} }}

// keptPageBody is the capacity, in bytes, up to which a buffer returns to the pool: 100 extended
// users take half of it.
const keptPageBody = 256 << 10

func (p listPage) write(w http.ResponseWriter) error {
	body, _ := pageBodies.Get().(*bytes.Buffer)
	defer func() {
		if body.Cap() <= keptPageBody {
			pageBodies.Put(body)
		}
	}()
	body.Reset()
	if err := json.NewEncoder(body).Encode(p.rows); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Total", strconv.FormatInt(p.total, 10))
	header.Set("Page", strconv.FormatInt(p.page.Number, 10))
	header.Set("Per-Page", strconv.FormatInt(p.page.Size, 10))
	if links := p.links(); links != "" {
		header.Set("Link", links)
	}
	header.Set("Content-Length", strconv.Itoa(body.Len())) // avoids chunked encoding
	w.WriteHeader(http.StatusCreated)
	_, err := body.WriteTo(w)
	return err
}

// links is the value of the Link header (RFC 8288): first and prev after the first page, next and
// last before the last one. Past the end, prev is the last page.
func (p listPage) links() string {
	last := max(1, (p.total+p.page.Size-1)/p.page.Size)
	var links []string
	link := func(rel string, number int64) {
		links = append(links, fmt.Sprintf(`<%s?limit=%d&page=%d>; rel="%s"`, p.path, p.page.Size, number, rel))
	}
	if p.page.Number > 1 {
		link("first", 1)
		link("prev", min(p.page.Number-1, last))
	}
	if p.page.Number < last {
		link("next", p.page.Number+1)
		link("last", last)
	}
	return strings.Join(links, ", ")
}

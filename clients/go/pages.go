package barong

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"barong/clients/go/api"
)

// fullPage is the page size of an iterator, the maximum of the server.
const fullPage = 1000

// Page describes one page of a list.
type Page struct {
	Number  int64 // starts at 1
	PerPage int64
	Total   int64 // number of entries on all pages
	HasNext bool
}

// PageOf reads the headers that describe a page, from the HTTPResponse of
// ListUsersWithResponse, FilterUsersByLabelWithResponse and ListServiceAccountsWithResponse. For any other response it returns
// an error.
func PageOf(response *http.Response) (page Page, err error) {
	for name, value := range map[string]*int64{"Page": &page.Number, "Per-Page": &page.PerPage, "Total": &page.Total} {
		if *value, err = strconv.ParseInt(response.Header.Get(name), 10, 64); err != nil {
			return Page{}, errors.New("the response is no page of a list: its header " + name + " is no number")
		}
	}
	page.HasNext = strings.Contains(response.Header.Get("Link"), `rel="next"`)
	return page, nil
}

// ListAllUsers iterates over the users on all pages of listUsers, starting at Page. It
// requests a page when the iteration reaches it, with 1,000 users per page unless Limit is
// set. It ends after the first error.
func (c *Client) ListAllUsers(ctx context.Context, parameters api.ListUsersParameters) iter.Seq2[api.ListedUser, error] {
	return pages(parameters.Page, parameters.Limit, func(page, limit *int64) ([]api.ListedUser, Page, error) {
		parameters.Page, parameters.Limit = page, limit
		answer, err := c.ListUsersWithResponse(ctx, parameters)
		if err != nil {
			return nil, Page{}, err
		}
		described, err := PageOf(answer.HTTPResponse)
		return *answer.JSON201, described, err
	})
}

// FilterAllUsersByLabel iterates over the users on all pages of filterUsersByLabel, like
// [Client.ListAllUsers].
func (c *Client) FilterAllUsersByLabel(ctx context.Context, parameters api.FilterUsersByLabelParameters) iter.Seq2[api.ListedUser, error] {
	return pages(parameters.Page, parameters.Limit, func(page, limit *int64) ([]api.ListedUser, Page, error) {
		parameters.Page, parameters.Limit = page, limit
		answer, err := c.FilterUsersByLabelWithResponse(ctx, parameters)
		if err != nil {
			return nil, Page{}, err
		}
		described, err := PageOf(answer.HTTPResponse)
		return *answer.JSON201, described, err
	})
}

// ListAllServiceAccounts iterates over the service accounts on all pages of listServiceAccounts,
// like [Client.ListAllUsers].
func (c *Client) ListAllServiceAccounts(ctx context.Context, parameters api.ListServiceAccountsParameters) iter.Seq2[api.ServiceAccount, error] {
	return pages(parameters.Page, parameters.Limit, func(page, limit *int64) ([]api.ServiceAccount, Page, error) {
		parameters.Page, parameters.Limit = page, limit
		answer, err := c.ListServiceAccountsWithResponse(ctx, parameters)
		if err != nil {
			return nil, Page{}, err
		}
		described, err := PageOf(answer.HTTPResponse)
		return *answer.JSON201, described, err
	})
}

// pages iterates over the entries of a list, as long as a page links to a next one.
func pages[T any](first, limit *int64, request func(page, limit *int64) ([]T, Page, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		number, size := int64(1), int64(fullPage)
		if first != nil {
			number = *first
		}
		if limit != nil {
			size = *limit
		}
		for ; ; number++ {
			entries, page, err := request(&number, &size)
			if err != nil {
				yield(none, err)
				return
			}
			for _, entry := range entries {
				if !yield(entry, nil) {
					return
				}
			}
			if !page.HasNext {
				return
			}
		}
	}
}

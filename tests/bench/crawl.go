package main

import (
	"fmt"
	"time"

	"barong/handlers"
)

// crawl asks for all pages of all users in order, then for some at random, over
// one connection.
func (b *bench) crawl() error {
	if !b.wants("crawl") {
		return nil
	}
	c, err := dial(b.server.address)
	if err != nil {
		return err
	}
	defer c.close()
	page := func(number int) (time.Duration, error) {
		began := time.Now()
		body := fmt.Appendf(nil, `{"page":%d}`, number)
		status, _, err := c.do(newRequest("POST", handlers.BasePath+"/users/list", b.signer.token, body), false)
		if err == nil && status != 201 {
			err = fmt.Errorf("page %d: %d", number, status)
		}
		return time.Since(began), err
	}
	average := func(pages int, number func(i int) int) (time.Duration, error) {
		var sum time.Duration
		for i := range pages {
			took, err := page(number(i))
			if err != nil {
				return 0, err
			}
			sum += took
		}
		return sum / time.Duration(max(1, pages)), nil
	}
	pages := (b.size + 99) / 100
	part := max(1, pages/20)
	start, err := average(part, func(i int) int { return 1 + i })
	if err != nil {
		return err
	}
	if _, err = average(pages-2*part, func(i int) int { return 1 + part + i }); err != nil {
		return err
	}
	end, err := average(part, func(i int) int { return 1 + pages - part + i })
	if err != nil {
		return err
	}
	random, err := average(min(pages, 200), func(int) int { return anyUser(pages) })
	if err != nil {
		return err
	}
	fmt.Printf("crawl, %d pages in order: %.2f ms each of the first twentieth, %.2f of the last; at random: %.2f ms\n",
		pages, start.Seconds()*1e3, end.Seconds()*1e3, random.Seconds()*1e3)
	return nil
}

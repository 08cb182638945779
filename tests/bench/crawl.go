package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

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

const (
	stormers = 32
	readers  = 8
)

// storm reads users over 8 connections, first alone and then while 32 clients
// create users with passwords, and compares their hashes with those of a bare
// loop on all processors.
func (b *bench) storm() error {
	if !b.wants("storm") {
		return nil
	}
	duration := time.Duration(max(1, 2*b.seconds) * float64(time.Second))
	get, err := b.requests(operations[1], readers, duration, asBearer)
	if err != nil {
		return err
	}
	reading := barrage{get, readers, duration, false, 1}
	alone, err := reading.run(b.server, nil)
	if err != nil {
		return err
	}
	bare := hashesPerSecond(duration)

	// More than can be hashed meanwhile, so that nobody runs out of them.
	creating := make([]request, stormers*max(2, int(duration.Seconds()*float64(runtime.NumCPU()))))
	for i := range creating {
		body := fmt.Appendf(nil, `{"email":"new%d@bench.example","password":"correctHorse9batteryStaple"}`, created.Add(1))
		creating[i] = newRequest("POST", handlers.BasePath+"/users", b.signer.token, body)
	}
	var during, hashing measurement
	var readErr, createErr error
	var group sync.WaitGroup
	group.Go(func() { hashing, createErr = barrage{creating, stormers, duration, true, 1}.run(b.server, nil) })
	group.Go(func() { during, readErr = reading.run(b.server, nil) })
	group.Wait()
	if readErr != nil || createErr != nil {
		return fmt.Errorf("storm: %w %w", readErr, createErr)
	}
	// Alone, for the processors that the readers took are not the hashes'.
	for i := range creating {
		body := fmt.Appendf(nil, `{"email":"new%d@bench.example","password":"correctHorse9batteryStaple"}`, created.Add(1))
		creating[i] = newRequest("POST", handlers.BasePath+"/users", b.signer.token, body)
	}
	undisturbed, err := barrage{creating, stormers, duration, true, 1}.run(b.server, nil)
	if err != nil {
		return err
	}
	fmt.Printf("storm of %d clients that create users: get by uid at %d connections, %.0f/s, p99 %.1f ms before, %.0f/s, p99 %.1f ms during;\n"+
		"  %.1f hashes/s with the readers (%d failed), %.1f without them, %.1f in a bare loop: %.2f of it\n",
		stormers, readers, alone.rate(), alone.percentile(0.99).Seconds()*1e3, during.rate(), during.percentile(0.99).Seconds()*1e3,
		hashing.rate(), hashing.failures, undisturbed.rate(), bare, undisturbed.rate()/bare)
	return nil
}

// hashesPerSecond is what all processors can do, bcrypt with cost 12.
func hashesPerSecond(duration time.Duration) float64 {
	var hashes atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for range runtime.NumCPU() {
		group.Go(func() {
			for time.Since(began) < duration {
				if _, err := bcrypt.GenerateFromPassword([]byte("correctHorse9batteryStaple"), 12); err != nil {
					panic(err) // the password is short enough
				}
				hashes.Add(1)
			}
		})
	}
	group.Wait()
	return float64(hashes.Load()) / time.Since(began).Seconds()
}

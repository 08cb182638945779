package main

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	"barong/handlers"
)

const (
	stormers = 32 // clients that create users, each the next one when it has an answer
	readers  = 8  // connections over which users are read, which takes all processors
)

// stormed is what a server did in one or several turns of the storm.
type stormed struct {
	alone, during         measurement // reading
	undisturbed, hindered signUps
}

// signUps is what came of creating users.
type signUps struct {
	mutex    sync.Mutex
	served   measurement // those that were created
	refused  measurement // those that were told to come again
	failures int
	failure  string
}

// storm reads users, alone and while clients create users with passwords, and has
// clients create users alone. It does so in turns (-rounds), with -against also on
// another build of the server, and compares.
func (b *bench) storm() error {
	if !b.wants("storm") {
		return nil
	}
	turn := time.Duration(max(1, 2*b.seconds) * float64(time.Second))
	servers, names := []*served{b.server}, []string{b.binary}
	if b.other != nil {
		servers, names = append(servers, b.other), append(names, b.against)
	}
	get, err := b.requests(operations[1], readers, turn, asBearer)
	if err != nil {
		return err
	}
	reading := barrage{get, readers, turn, false, 1}
	results := make([]stormed, len(servers))
	for range b.rounds {
		for i, server := range servers {
			if err := b.stormTurn(server, reading, &results[i]); err != nil {
				return fmt.Errorf("storm: %w", err)
			}
		}
	}
	bare := hashesPerSecond(turn)
	fmt.Printf("\nstorm: %d clients create users (bcrypt, cost 12) while %d connections get users by uid; a bare loop on %d processors hashes %.1f/s\n",
		stormers, readers, runtime.NumCPU(), bare)
	for i := range results {
		results[i].print(names[i], bare)
	}
	return nil
}

func (b *bench) stormTurn(server *served, reading barrage, result *stormed) error {
	alone, err := reading.run(server, nil)
	if err != nil {
		return err
	}
	result.alone.add(alone)
	created := make(chan error, 1)
	go func() { created <- b.signUp(server, reading.duration, &result.hindered) }()
	for over := false; !over; { // until the last sign-up has its answer
		part := reading
		part.duration = time.Second
		during, err := part.run(server, nil)
		if err != nil {
			return err
		}
		result.during.add(during)
		select {
		case err := <-created:
			if err != nil {
				return err
			}
			over = true
		default:
		}
	}
	return b.signUp(server, reading.duration, &result.undisturbed)
}

// signUp has clients create users for a while. One that is refused waits for as long
// as it is told.
func (b *bench) signUp(server *served, duration time.Duration, into *signUps) error {
	began := time.Now()
	var group sync.WaitGroup
	var broken atomic.Pointer[error]
	for range stormers {
		group.Go(func() {
			c, err := dial(server.address)
			if err != nil {
				broken.Store(&err)
				return
			}
			defer c.close()
			for time.Since(began) < duration {
				body := fmt.Appendf(nil, `{"email":"new%d@bench.example","password":"correctHorse9batteryStaple"}`, created.Add(1))
				sent := time.Now()
				status, _, err := c.do(newRequest("POST", handlers.BasePath+"/users", b.signer.token, body), false)
				if err != nil {
					broken.Store(&err)
					return
				}
				into.answered(status, time.Since(sent))
				if status == http.StatusServiceUnavailable {
					time.Sleep(min(c.retryAfter, duration-time.Since(began)))
				}
			}
		})
	}
	group.Wait()
	into.served.elapsed += time.Since(began)
	if err := broken.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *signUps) answered(status int, took time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch status {
	case http.StatusCreated:
		s.served.requests++
		s.served.latencies = append(s.served.latencies, took)
	case http.StatusServiceUnavailable:
		s.refused.requests++
		s.refused.latencies = append(s.refused.latencies, took)
	default:
		s.failures++
		s.failure = fmt.Sprint(status)
	}
}

func (s *stormed) print(name string, bare float64) {
	ms := func(m measurement, p float64) float64 { return milliseconds(m.percentile(p)) }
	fmt.Printf("%s\n", name)
	fmt.Printf("  readers alone         %7.0f/s  p50 %7.1f ms  p99 %7.1f ms\n", s.alone.rate(), ms(s.alone, 0.5), ms(s.alone, 0.99))
	fmt.Printf("  readers in the storm  %7.0f/s  p50 %7.1f ms  p99 %7.1f ms  (%.2f of the rate, %.2f times the p50, %.2f times the p99)\n",
		s.during.rate(), ms(s.during, 0.5), ms(s.during, 0.99), s.during.rate()/s.alone.rate(),
		ms(s.during, 0.5)/ms(s.alone, 0.5), ms(s.during, 0.99)/ms(s.alone, 0.99))
	for i, each := range []*signUps{&s.undisturbed, &s.hindered} {
		fmt.Printf("  sign-ups, %-10s  %7.1f/s  p50 %7.0f ms  p99 %7.0f ms  (%.2f of the bare loop); %d refused, p99 %.0f ms; %d failed %s\n",
			[]string{"alone", "and reads"}[i], each.served.rate(), ms(each.served, 0.5), ms(each.served, 0.99), each.served.rate()/bare,
			each.refused.requests, ms(each.refused, 0.99), each.failures, each.failure)
	}
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

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// longestLife is about what the agent needs to come up, and to roll out a commit.
const longestLife = 1200 * time.Millisecond

// crash prints nothing but the seed, by which a failure can be had again, as far
// as the machine's timing allows.
func (s *scene) crash(args []string) error {
	times, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	random, err := s.random(args[2])
	if err != nil {
		return err
	}
	for n := range times {
		s.ts.Setenv("N", strconv.Itoa(n))
		if err := s.crashOnce(args[0], time.Duration(random.Int64N(int64(longestLife)))); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) crashOnce(dir string, life time.Duration) error {
	s, done := s.anew()
	defer done()
	if err := s.push([]string{dir}); err != nil {
		return err
	}
	<-time.After(life)
	return s.restart()
}

func (s *scene) random(seed string) (*rand.Rand, error) {
	number, err := strconv.ParseUint(seed, 10, 64)
	s.ts.Logf("kills by the seed %d", number)
	return rand.New(rand.NewPCG(number, 0)), err
}

func (s *scene) restart() error {
	s, done := s.anew()
	defer done()
	return errors.Join(s.kill9(nil), s.startAgent(nil))
}

// killSyncs first lets one sync be, to know how long one takes on this machine.
func (s *scene) killSyncs(args []string) error {
	syncs, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	times, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	random, err := s.random(args[3])
	if err != nil {
		return err
	}
	begun := time.Now()
	s.ts.Setenv("N", "undisturbed")
	if err := s.killSync(args[0], nil, args[4:]); err != nil {
		return err
	}
	span := time.Since(begun)
	for n := range syncs {
		instants := instantsOf(random, times, span)
		s.ts.Setenv("N", strconv.Itoa(n))
		if err := s.killSync(args[0], instants, args[4:]); err != nil {
			return fmt.Errorf("sync %d by the seed %s, killed after %v of %s: %w", n, args[3], instants, span, err)
		}
	}
	return nil
}

// killSync pushes, kills the agent at instants from then on, and waits until the
// Applications' syncs of the commit have ended.
func (s *scene) killSync(dir string, instants []time.Duration, applications []string) error {
	s, done := s.anew()
	defer done()
	begun := time.Now()
	if err := s.push([]string{dir}); err != nil {
		return err
	}
	if err := s.killAt(begun, instants); err != nil {
		return err
	}
	for _, name := range applications {
		err := s.cluster.UntilApplication(s.ctx, s.namespace, name, func(app *api.Application) bool {
			return resultOf(app).Revision == s.ts.Getenv("COMMIT") && operation(app).Phase.Completed()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) kills(args []string) error {
	times, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	span, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	random, err := s.random(args[2])
	if err != nil {
		return err
	}
	return s.killAt(time.Now(), instantsOf(random, times, span))
}

// instantsOf are random instants of a span, in their order.
func instantsOf(random *rand.Rand, n int, span time.Duration) []time.Duration {
	instants := make([]time.Duration, n)
	for i := range instants {
		instants[i] = time.Duration(random.Int64N(int64(span)))
	}
	slices.Sort(instants)
	return instants
}

// killAt kills the agent, and starts it again, at instants after a beginning.
func (s *scene) killAt(begun time.Time, instants []time.Duration) error {
	for _, instant := range instants {
		<-time.After(time.Until(begun.Add(instant)))
		if err := s.restart(); err != nil {
			return err
		}
	}
	return nil
}

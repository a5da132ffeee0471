package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// The agent runs between these times before it is killed. The first sync of an
// Application takes it some tenths of a second, so kills hit every part of that.
const (
	minLife = 30 * time.Millisecond
	maxLife = 600 * time.Millisecond
)

// killNowAndThen kills the agent with SIGKILL and starts it again, until over. At
// the end it runs.
func (s *stage) killNowAndThen(ctx context.Context, over <-chan struct{}) error {
	seed := uint64(time.Now().UnixNano())
	s.out.aside("kills by the seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for n := 1; ; n++ {
		life := minLife + time.Duration(random.Int64N(int64(maxLife-minLife)))
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			s.out.line("the agent was killed %d times", n-1)
			return nil
		case <-time.After(life):
		}
		if err := s.killOnce(ctx); err != nil {
			return err
		}
		s.out.line("kill -9, after %s; started again", seconds(life))
	}
}

func (s *stage) killOnce(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.agent.Kill(); err != nil {
		return err
	}
	return s.agent.Start(ctx)
}

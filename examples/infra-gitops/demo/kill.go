package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// The agent runs from minLife to maxLife before it is killed. The first sync of
// an Application takes it some tenths of a second, so kills hit every part of
// that. Each time it may live longer by a tenth, so that the story comes to its
// end on a slow machine too.
const (
	minLife = 30 * time.Millisecond
	maxLife = 400 * time.Millisecond
	longer  = 1.1
)

// killNowAndThen kills the agent with SIGKILL and starts it again, until over. At
// the end it runs.
func (s *stage) killNowAndThen(ctx context.Context, over <-chan struct{}) error {
	seed := uint64(time.Now().UnixNano())
	s.out.aside("kills by the seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	most := float64(maxLife)
	for n := 1; ; n++ {
		life := minLife + time.Duration(random.Float64()*most)
		most *= longer
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

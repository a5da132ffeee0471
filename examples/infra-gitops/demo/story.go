package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// A scene is one part of the story. Its play returns an error if anything is not
// as it is told.
type scene struct {
	title string
	play  func(context.Context, *stage) error
}

// The scenes. While the acts are on, -kill9 kills the agent now and then.
var (
	prologue = []scene{
		{"Set the stage", setStage},
	}
	acts = []scene{
		{"Five Applications go from Missing to Synced and Healthy, wave by wave", firstSync},
		{"A pushed commit rolls out", rollOut},
		{"A Deployment that somebody changed by hand is healed", heal},
		{"A file removed from Git is pruned", prune},
	}
	epilogue = []scene{
		{"Four encrypted sources became Secrets with exactly the right plain text", checkSecrets},
		{"No plain text stands anywhere else", searchCanaries},
		{"In the end the cluster is what Git says", checkState},
	}
)

// tell plays the whole story.
func tell(ctx context.Context, s *stage) error {
	n := 0
	if err := s.play(ctx, prologue, &n); err != nil {
		return err
	}
	guard := s.seeAgentLive
	if s.options.kill {
		guard = s.killNowAndThen
	}
	if err := s.playBeside(ctx, guard, acts, &n); err != nil {
		return err
	}
	return s.playBeside(ctx, s.seeAgentLive, epilogue, &n)
}

// play plays scenes, n of which were played before.
func (s *stage) play(ctx context.Context, scenes []scene, n *int) error {
	for _, scene := range scenes {
		*n++
		s.out.title("%d  %s", *n, scene.title)
		if err := scene.play(ctx, s); err != nil {
			return fmt.Errorf("scene %d, %s\n  %w%s", *n, scene.title, err, s.agentTail())
		}
	}
	return nil
}

// playBeside plays scenes while guard runs beside them, until over. The first
// error ends both.
func (s *stage) playBeside(ctx context.Context, guard func(ctx context.Context, over <-chan struct{}) error, scenes []scene, n *int) error {
	over := make(chan struct{})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return guard(ctx, over) })
	g.Go(func() error {
		defer close(over)
		return s.play(ctx, scenes, n)
	})
	return g.Wait()
}

// seeAgentLive fails when the agent ends.
func (s *stage) seeAgentLive(ctx context.Context, over <-chan struct{}) error {
	select {
	case <-s.agent.Exited():
		return s.agent.Died()
	case <-over:
	case <-ctx.Done():
	}
	return nil
}

// agentTail is the end of the agent's log, for reports of a failure.
func (s *stage) agentTail() string {
	if s.agent == nil {
		return ""
	}
	return "\n  the end of the agent's log, " + s.agent.Log + ":\n" + testenv.Tail(s.agent.Log, 15)
}

// seconds prints a time with two decimals.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
}

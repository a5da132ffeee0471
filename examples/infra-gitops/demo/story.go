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
	for _, part := range [][]scene{prologue, acts, epilogue} {
		play := playAll
		if s.options.kill && &part[0] == &acts[0] {
			play = playWithKills
		}
		if err := play(ctx, s, part, &n); err != nil {
			return err
		}
	}
	return nil
}

func playAll(ctx context.Context, s *stage, scenes []scene, n *int) error {
	for _, scene := range scenes {
		*n++
		s.out.title("%d  %s", *n, scene.title)
		if err := scene.play(ctx, s); err != nil {
			return fmt.Errorf("scene %d, %s\n  %w%s", *n, scene.title, err, s.agentTail())
		}
	}
	return nil
}

// playWithKills plays scenes while the agent is killed and started again.
func playWithKills(ctx context.Context, s *stage, scenes []scene, n *int) error {
	over := make(chan struct{})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.killNowAndThen(ctx, over) })
	g.Go(func() error {
		defer close(over)
		return playAll(ctx, s, scenes, n)
	})
	return g.Wait()
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

package appset

import (
	"context"
	"io/fs"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A clock ends a generation that takes too long. It stands still while a source is asked:
// a server takes the time it takes, and whoever asks it has a deadline for that.
type clock struct {
	outside context.Context // without the clock's end
	timer   *time.Timer
	left    time.Duration
	since   time.Time
}

// newClock returns a context that ends when the generation has worked for so long.
func newClock(outside context.Context, most time.Duration) (context.Context, *clock, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(outside)
	c := &clock{outside: outside, left: most, since: time.Now()}
	c.timer = time.AfterFunc(most, func() { cancel(context.DeadlineExceeded) })
	return ctx, c, func() {
		c.timer.Stop()
		cancel(nil)
	}
}

// stop has the clock stand still until the function that it returns is called.
func (c *clock) stop() (resume func()) {
	if !c.timer.Stop() {
		return func() {} // it is over
	}
	c.left -= time.Since(c.since)
	return func() {
		c.since = time.Now()
		c.timer.Reset(c.left)
	}
}

// timed are sources that are asked while the clock stands still.
type timed struct {
	Sources
	clock *clock
}

// Tree returns the files of a repository at a revision.
func (t timed) Tree(_ context.Context, repoURL, revision string) (fs.FS, error) {
	defer t.clock.stop()()
	return t.Sources.Tree(t.clock.outside, repoURL, revision)
}

// Clusters returns all clusters that have a secret.
func (t timed) Clusters(context.Context) ([]Cluster, error) {
	defer t.clock.stop()()
	return t.Sources.Clusters(t.clock.outside)
}

// PullRequests returns the open ones.
func (t timed) PullRequests(_ context.Context, g *api.PullRequestGenerator) ([]PullRequest, error) {
	defer t.clock.stop()()
	return t.Sources.PullRequests(t.clock.outside, g)
}

// Repositories returns those of an organization, which are asked about paths so, too.
func (t timed) Repositories(_ context.Context, g *api.SCMProviderGenerator) ([]Repository, error) {
	defer t.clock.stop()()
	all, err := t.Sources.Repositories(t.clock.outside, g)
	timedAll := make([]Repository, len(all))
	for i, r := range all {
		if timedAll[i] = r; r.HasPath != nil {
			timedAll[i].HasPath = func(_ context.Context, path string) (bool, error) {
				defer t.clock.stop()()
				return r.HasPath(t.clock.outside, path)
			}
		}
	}
	return timedAll, err
}

// Plugin returns what the service answers.
func (t timed) Plugin(_ context.Context, g *api.PluginGenerator) ([]map[string]any, error) {
	defer t.clock.stop()()
	return t.Sources.Plugin(t.clock.outside, g)
}

package appset

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// slow is a repository that takes its time, and a list of repositories whose paths do.
type slow struct {
	Unavailable
	takes time.Duration
}

func (s slow) wait(ctx context.Context) error {
	select {
	case <-time.After(s.takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slow) Tree(ctx context.Context, _, _ string) (fs.FS, error) {
	return fstest.MapFS{"a/x": {}, "b/x": {}}, s.wait(ctx)
}

func (s slow) Repositories(ctx context.Context, _ *api.SCMProviderGenerator) ([]Repository, error) {
	has := func(ctx context.Context, _ string) (bool, error) { return true, s.wait(ctx) }
	return []Repository{{Repository: "a", HasPath: has}, {Repository: "b", HasPath: has}}, s.wait(ctx)
}

// TestSlowSources: what servers take is not the generation's time, which is bounded all
// the same.
func TestSlowSources(t *testing.T) {
	git := api.Generator{Git: &api.GitGenerator{RepoURL: "x", Directories: []api.GitPathFilter{{Path: "*"}}}}
	scm := api.Generator{SCMProvider: &api.SCMProviderGenerator{Github: &api.SCMGithub{}, Filters: []api.SCMFilter{{PathsExist: []string{"deploy"}}}}}
	for name, g := range map[string]api.Generator{"git": git, "scmProvider": scm} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				set := goSet("x")
				set.Spec.Generators = []api.Generator{g}
				r, err := Generate(t.Context(), set, slow{takes: time.Hour}, Options{Timeout: time.Second})
				if err != nil || len(r.Applications) != 2 {
					t.Fatalf("got %v, %v", r, err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if r, err := Generate(ctx, set, slow{takes: time.Hour}, Options{Timeout: time.Second}); !errors.Is(err, context.DeadlineExceeded) || r != nil {
					t.Errorf("got %v, %v", r, err)
				}
			})
		})
	}
}

// TestClock: it runs while nobody is asked, and ends for good.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c, cancel := newClock(t.Context(), 10*time.Second)
		defer cancel()
		for range 3 {
			time.Sleep(3 * time.Second)
			resume := c.stop()
			time.Sleep(time.Hour)
			resume()
		}
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Fatal("it has ended before its time")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.Errorf("it goes on: %v", ctx.Err())
		}
		c.stop()()
		if ctx.Err() == nil {
			t.Error("it goes on after it was asked again")
		}
	})
}

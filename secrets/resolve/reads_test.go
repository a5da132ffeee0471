package resolve

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"sync"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"golang.org/x/sync/errgroup"
)

// tally counts reads by name, and fails as it is set to.
type tally struct {
	sdk.Objects

	mu    sync.Mutex // guards all
	reads map[string]int
	err   error
}

func (c *tally) Get(_ context.Context, _, _, _, name string) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads[name]++
	return json.RawMessage(`{}`), c.err
}

// TestOnce: an object is read once, what is absent likewise, and what fails again.
func TestOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"there", nil, 1},
		{"absent", fs.ErrNotExist, 1},
		{"failing", errors.New("the API server is away"), 10},
	} {
		c := &tally{reads: map[string]int{}, err: tt.err}
		o := newOnce(c)
		for range 10 {
			if _, err := o.Get(t.Context(), "v1", "Secret", "shop", tt.name); !errors.Is(err, tt.err) {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		if c.reads[tt.name] != tt.want {
			t.Errorf("%s: read %d times, want %d", tt.name, c.reads[tt.name], tt.want)
		}
	}
}

// TestOnceSideBySide: those who ask at the same time wait for one answer.
func TestOnceSideBySide(t *testing.T) {
	c := &tally{reads: map[string]int{}}
	o := newOnce(c)
	var g errgroup.Group
	for range 50 {
		g.Go(func() error {
			_, err := o.Get(t.Context(), "v1", "Secret", "shop", "token")
			return err
		})
	}
	if err := g.Wait(); err != nil || c.reads["token"] != 1 {
		t.Errorf("read %d times: %v", c.reads["token"], err)
	}
}

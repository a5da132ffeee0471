package pluginstest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
)

// TestSet: a plugin that is installed anew serves the next call, and the call that
// runs ends as it began.
func TestSet(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "crowd"})
	before, err := render(h, "crowd", "pid")
	if err != nil {
		t.Fatal(err)
	}
	waiting := &slowTree{Tree: pluginstest.ParseTree("-- a --\nhello\n"), entered: make(chan struct{}), leave: make(chan struct{})}
	var g errgroup.Group
	g.Go(func() error {
		req := request("read")
		req.Tree = waiting
		result, err := h.Render(context.Background(), "crowd", req)
		if err == nil && string(result.Documents[0].Data) != "hello\n" {
			err = errors.New("the call that ran ended otherwise")
		}
		return err
	})
	<-waiting.entered
	h.Set("crowd", &host.Spec{Name: "crowd"})
	after, err := render(h, "crowd", "pid")
	if err != nil || after == before {
		t.Errorf("process %s before, %s after, %v", before, after, err)
	}
	close(waiting.leave)
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	pluginstest.Eventually(t, "the old process is gone", func() bool { return len(h.PIDs()) == 1 })
	h.Set("crowd", nil)
	if _, err := render(h, "crowd", "work"); !errors.Is(err, host.ErrUnavailable) || !strings.Contains(err.Error(), "no such plugin") {
		t.Errorf("removed: %v", err)
	}
	pluginstest.Eventually(t, "no process runs", func() bool { return len(h.PIDs()) == 0 })
}

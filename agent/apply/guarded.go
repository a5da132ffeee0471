package apply

import (
	"context"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/secrets/crash"
)

// guarded makes the change's own failure of a panic.
func guarded(ctx context.Context, c diff.Change, one func(context.Context, diff.Change) Result) (r Result) {
	err := crash.Guard("apply", func() error {
		r = one(ctx, c)
		return nil
	})
	if err != nil {
		return Result{Key: c.Key, Code: api.ResultSyncFailed, Message: err.Error(), Err: err}
	}
	return r
}

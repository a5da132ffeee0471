package reconcile

import (
	"context"
	"errors"
	"log/slog"

	"github.com/tidelock-io/tidelock/secrets/crash"
)

// guarded runs the pass. A panic is that Application's error and no other's; it is
// told without what it says, which may be a secret.
func (p *pass) guarded(ctx context.Context) {
	err := crash.Guard("pass", func() error {
		p.run(ctx)
		return nil
	})
	if err != nil {
		p.unknown(err)
	}
}

// logCrash logs the stack of a panic, for who reports it.
func (p *pass) logCrash(err error) {
	var crashed *crash.Error
	if errors.As(err, &crashed) {
		p.log.Error("panic", slog.String("kind", crashed.Kind), slog.String("doing", crashed.Doing), slog.Any("stack", crashed.Frames))
	}
}

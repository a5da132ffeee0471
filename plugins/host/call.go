package host

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

var kinds = sdk.Kinds()

// A call says who is called by whom, and how long it may take.
type call struct {
	plugin, application, name string
	timeout                   time.Duration
}

// errDeadline is the cause of a call's end at its own deadline, not its caller's.
var errDeadline = errors.New("deadline")

// call makes one attempt. Its clock starts when a process is there. innocent
// says that the process died and another call may have been the reason.
func (p *pool) call(ctx context.Context, c call, alone bool, do func(context.Context, *process) error) (innocent bool, err error) {
	proc, err := p.acquire(ctx, alone)
	if err != nil {
		return false, err
	}
	callCtx, cancel := context.WithTimeoutCause(ctx, c.timeout, errDeadline)
	defer cancel()
	// A plugin that hangs does not notice that a call was cancelled.
	stop := context.AfterFunc(callCtx, func() { p.overdue(callCtx, proc) })
	p.watchPrograms(callCtx, proc)
	err = do(callCtx, proc)
	if err != nil {
		err = p.judge(callCtx, c, proc, err)
	}
	interrupted := !stop()
	if interrupted {
		p.overdue(callCtx, proc) // now, so that no other call gets the process
	}
	died := errors.Is(err, ErrCrashed) && proc.dead()
	overlapped := p.release(proc, err == nil || !died && !interrupted)
	return died && overlapped, err
}

// overdue ends a process whose call is over its time: at once at the deadline,
// and with respect for its neighbours if its caller went away.
func (p *pool) overdue(ctx context.Context, proc *process) {
	if errors.Is(context.Cause(ctx), errDeadline) {
		p.leave(proc)
		proc.runner.kill()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	proc.leaving = true
	if proc.calls == 1 {
		proc.runner.kill()
	}
}

// judge turns whatever ended a call into a failure of a kind, or what the plugin
// or the host itself had to say.
func (p *pool) judge(ctx context.Context, c call, proc *process, err error) error {
	if status.Code(err) == codes.DeadlineExceeded {
		<-ctx.Done() // the plugin's clock was faster
	}
	if errors.Is(context.Cause(ctx), errDeadline) {
		return failf(ErrTimeout, "killed after %s: raise the plugin's time limit, or look for an endless loop", c.timeout)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if excess := proc.excess.Load(); excess != nil {
		return excess
	}
	if tree := (*treeError)(nil); errors.As(err, &tree) {
		return led(tree)
	}
	if own := (*failure)(nil); errors.As(err, &own) {
		// The host broke the call off: the plugin may go on for long.
		p.leave(proc)
		return err
	}
	if said, ok := kinds.FromStatus(err); ok {
		return p.said(proc, said)
	}
	if status.Code(err) == codes.ResourceExhausted {
		p.leave(proc)
		return failf(ErrTooLarge, "a message of more than %d MiB", wire.MaxMessage>>20)
	}
	return p.lost(proc, err)
}

// said judges what the plugin itself returned.
func (p *pool) said(proc *process, err error) error {
	switch {
	case errors.Is(err, wire.ErrPanic):
		// What it left behind is anybody's guess.
		p.leave(proc)
		return failf(ErrCrashed, "%w", err)
	case errors.Is(err, wire.ErrLimit):
		return failf(ErrTooLarge, "%w", err)
	}
	return err
}

// lost judges a connection that broke.
func (p *pool) lost(proc *process, err error) error {
	if code := status.Code(err); code == codes.Unimplemented || code == codes.InvalidArgument {
		p.leave(proc)
		return failf(ErrProtocol, "it does not understand the call (%s)", code)
	}
	if p.stopping() {
		return failf(ErrUnavailable, "Tidelock is stopping")
	}
	fate := proc.fate()
	proc.runner.kill()
	<-proc.runner.done
	if fate == "" {
		return failf(ErrCrashed, "it hung up and was killed (%s)", status.Code(err))
	}
	words := proc.voice.lastWords()
	if strings.Contains(words, "memory") {
		words += ": look for a file that is very large, or whose aliases expand to a lot, for a plugin's memory is limited"
	}
	return failf(ErrCrashed, "it crashed%s%s", fate, words)
}

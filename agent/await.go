package agent

import (
	"context"
	"time"
)

// How long the watch may be behind before Applications are listed, and how often it is
// looked at.
const (
	behindFor  = 500 * time.Millisecond
	behindEach = 5 * time.Millisecond
)

// Newest is the newest version of an Application that is known; "" if none is.
func (a *Applications) Newest() (newest string) {
	for _, app := range a.List() {
		if newest == "" || newer(app.ResourceVersion, newest) {
			newest = app.ResourceVersion
		}
	}
	return newest
}

// Await makes sure that what is known of Applications is no older than what somebody
// knew whose Newest this was: events come in the order of their versions. If the watch is
// behind, it waits a moment, and then lists.
func (a *Applications) Await(ctx context.Context, newest string) error {
	for end := time.Now().Add(behindFor); !a.reached(newest); {
		if !time.Now().Before(end) {
			return a.Refresh(ctx)
		}
		select {
		case <-time.After(behindEach):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// reached says that the watch has told of a version, and of all before.
func (a *Applications) reached(version string) bool {
	if version == "" {
		return true
	}
	r := a.reflector.Load()
	if r == nil {
		return false
	}
	at := r.LastSyncResourceVersion()
	return at != "" && !newer(version, at)
}

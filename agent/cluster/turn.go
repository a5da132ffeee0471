package cluster

import "context"

// A turn is a lock that may be held during a request to the server: who waits
// for it stops when its own ctx ends.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn. Without an error, the caller has to end it.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) end() { <-t }

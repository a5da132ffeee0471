package shard

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// farewell is how long a member that was told to end may take to say so.
	farewell = 5 * time.Second
	// sayPause is how long it waits until it tries again to say so.
	sayPause = 100 * time.Millisecond
)

// leave ends all work, and then the term. What this replica is not at is the others' from
// the moment that its Lease says that it leaves, and the rest as it ends.
func (s *Share) leave(ctx context.Context, gone bool) {
	var among []string
	s.mu.Lock()
	if s.roster != nil && len(s.sure) == 1 && len(s.sure[0].at) == 0 {
		among = s.sure[0].ids
	}
	s.roster, s.sure = nil, nil
	s.mu.Unlock()
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	ending := s.Running.Interrupt(func(types.NamespacedName) bool { return true })
	if !gone && !s.sayFarewell(leaving, among, ending, ctx.Err() != nil) {
		s.Log.Warn("the others take this replica's Applications at the end of its term only", "replica", s.self.ID)
	}
	if ctx.Err() == nil { // it begins anew
		ending.Wait(ctx)
		s.Release()
	}
}

// sayFarewell has the Lease say that this replica leaves, and what it is still at, until
// that is nothing; then it goes, too. Only who was told to end insists.
func (s *Share) sayFarewell(ctx context.Context, among []string, ending *Ending, insists bool) bool {
	for {
		at := ending.On()
		m := s.self
		m.Leaving = &Leaving{At: at, Seen: s.Marks(), Among: among} // what has ended wrote before it is asked how far
		said, err := s.Leases.Renew(ctx, m)
		switch {
		case err == nil:
			s.mu.Lock()
			s.self = said
			s.mu.Unlock()
		case errors.Is(err, errGone):
			return true
		case !insists || ctx.Err() != nil:
			return false
		default:
			select {
			case <-s.Clock.After(sayPause):
				continue
			case <-ctx.Done():
				return false
			}
		}
		if len(at) == 0 {
			err := s.Leases.Delete(ctx, Member{ID: s.self.ID}) // whatever version it has
			return err == nil || errors.Is(err, errGone)
		}
		if ending.Fewer(ctx, len(at)); ctx.Err() != nil {
			return false
		}
	}
}

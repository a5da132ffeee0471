package shard

import (
	"context"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// catchUpPause is how long to wait until what failed is tried again.
const catchUpPause = time.Second

// yield makes room for those who come, and has work begun that falls to this replica.
func (s *Share) yield(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.changed:
			s.settle(ctx)
		}
	}
}

// settle has this replica do what falls to it by now, and nothing else.
func (s *Share) settle(ctx context.Context) {
	begun := s.Clock.Now()
	s.mu.Lock()
	self, others, now, joined := s.self, s.roster.Others(), s.roster.now, s.roster.Joined()
	known := s.sure
	if n := len(known); n > 0 && !known[n-1].equal(now) {
		s.sure = append(slices.Clip(known), now)
	}
	s.mu.Unlock()
	s.Log.Info("the Applications are divided among replicas", "replica", self.ID, "replicas", now.ids, "joined", joined, "held", len(now.at))
	s.bury(ctx, Dead(self, others))
	s.Running.Interrupt(func(on types.NamespacedName) bool { return !s.Owns(on) }).Wait(ctx)
	if ctx.Err() != nil {
		return
	}
	s.makeRoom(others)
	s.Release()
	if !joined {
		return
	}
	gain, parted := s.gain(self.ID, known, now)
	if gain.Has != nil && !s.caughtUp(ctx, gain) {
		return
	}
	s.mu.Lock()
	s.sure = []division{now}
	for _, id := range parted {
		delete(s.parted, id)
	}
	s.mu.Unlock()
	s.Log.Info("this replica has its share", "replica", self.ID, "took", s.Clock.Now().Sub(begun).String())
	if gain.Has != nil {
		s.Gained(gain.Has)
	}
}

// gain is what falls to self by now that did not by one of the divisions known before,
// and who has gone since then.
func (s *Share) gain(self string, known []division, now division) (g Gain, parted []string) {
	s.mu.RLock()
	words := maps.Clone(s.parted)
	others := s.roster.Others()
	s.mu.RUnlock()
	parted = slices.Collect(maps.Keys(words))
	if len(known) == 1 && known[0].within(now) {
		return Gain{}, parted
	}
	for _, m := range others {
		if m.Leaving != nil {
			words[m.ID] = m.Leaving
		}
	}
	told := len(known) > 0 && allTold(known, now, words)
	for _, word := range words {
		if word != nil && word.Seen != nil {
			g.Seen = append(g.Seen, word.Seen)
		}
	}
	g.Told = func(app types.NamespacedName) bool { return told && spokenOf(words, app) }
	g.Has = func(app types.NamespacedName) bool {
		had := len(known) > 0 && !slices.ContainsFunc(known, func(before division) bool { return before.owner(app) != self })
		return !had && now.owner(app) == self
	}
	return g, parted
}

// allTold says that whoever has gone has left a last word.
func allTold(known []division, now division, words map[string]*Leaving) bool {
	for _, word := range words {
		if word == nil || word.Seen == nil {
			return false
		}
	}
	return !slices.ContainsFunc(known, func(d division) bool {
		return slices.ContainsFunc(d.ids, func(id string) bool {
			_, said := words[id]
			return !said && !slices.Contains(now.ids, id)
		})
	})
}

// spokenOf says that a last word is about an Application, too: who said it had that.
func spokenOf(words map[string]*Leaving, app types.NamespacedName) bool {
	for id, word := range words {
		if Owner(word.Among, app) == id {
			return true
		}
	}
	return false
}

// caughtUp catches up. If that fails it is tried again soon, with whoever is there then.
func (s *Share) caughtUp(ctx context.Context, gain Gain) bool {
	err := s.CatchUp(ctx, gain)
	if err == nil || ctx.Err() != nil {
		return err == nil
	}
	s.Log.Warn("what others have done is not known yet: nothing of theirs is begun", "error", err)
	select {
	case <-s.Clock.After(catchUpPause):
	case <-ctx.Done():
	}
	tell(s.changed)
	return false
}

// makeRoom has the Lease tell that the work on what falls to others has ended.
func (s *Share) makeRoom(others []Member) {
	var room []string
	for _, m := range others {
		room = append(room, m.ID)
	}
	s.mu.Lock()
	same := slices.Equal(s.room, room)
	s.room = room
	s.mu.Unlock()
	if !same {
		tell(s.made)
	}
}

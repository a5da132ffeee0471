package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/argoproj/notifications-engine/pkg/services"
)

// A State is what was told already: when, by what was told to whom. It is Argo CD's, in
// annotation notified.notifications.argoproj.io.
type State map[string]int64

// maxState is how many entries are kept, as in Argo CD.
const maxState = 100

// ParseState reads the annotation. What cannot be read was not told.
func ParseState(text string) State {
	s := State{}
	if text == "" || json.Unmarshal([]byte(text), &s) != nil || s == nil {
		return State{}
	}
	return s
}

// String is the annotation, "" if nothing was told.
func (s State) String() string {
	if len(s) == 0 {
		return ""
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "" // numbers by strings always marshal
	}
	return string(text)
}

// keyOf names what is told to whom, as Argo CD does: by which namespace, if that is not
// the agent's.
func keyOf(own, trigger string, r Result, to services.Destination) string {
	key := fmt.Sprintf("%s:%s:%s:%s", trigger, r.Key, to.Service, to.Recipient)
	if own != "" {
		key = own + ":" + key
	}
	if r.OncePer != "" {
		return r.OncePer + ":" + key
	}
	return key
}

// told notes whether a condition that holds, or does not, was told to somebody, and
// reports whether that is news. What is told once per something stays when it does
// not hold any more.
func (s State) told(key string, holds bool, now time.Time) bool {
	_, known := s[key]
	switch {
	case known == holds:
		return false
	case holds:
		s[key] = now.Unix()
	default:
		delete(s, key)
	}
	return true
}

// When says when a trigger's condition was told to somebody; zero if it was not.
func (s State) When(trigger string, r Result, to services.Destination) time.Time {
	if at, ok := s[keyOf("", trigger, r, to)]; ok {
		return time.Unix(at, 0)
	}
	return time.Time{}
}

// trim drops the oldest entries beyond those that there is room for, but none of what
// holds now: it would be told again.
func (s State) trim(holding map[string]bool) {
	old := slices.DeleteFunc(slices.Collect(maps.Keys(s)), func(key string) bool { return holding[key] })
	slices.SortFunc(old, func(a, b string) int { return cmp.Or(cmp.Compare(s[a], s[b]), strings.Compare(a, b)) })
	for _, key := range old[:min(len(old), max(0, len(s)-maxState))] {
		delete(s, key)
	}
}

package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/traffic"
)

// blindAfter is for how long nothing may be told of what the agent works by, though the
// API server answers: watches are begun anew every few minutes, and rights may have been
// taken meanwhile.
const blindAfter = time.Minute

// A blindness is of which kinds nothing is told any more, and since when.
type blindness struct {
	mu    sync.Mutex // guards since
	since map[string]time.Time
}

// followed are what the agent works by, wherever they are; followedHere in its own
// namespace.
var (
	followed     = []string{api.ApplicationResource, "appprojects", api.ApplicationSetResource}
	followedHere = []string{"secrets", "configmaps"}
)

// note takes note of how a list or the beginning of a watch has ended.
func (b *blindness) note(r traffic.Request, namespace string, now time.Time) {
	concerns := slices.Contains(followed, r.Resource) || r.Namespace == namespace && slices.Contains(followedHere, r.Resource)
	if !concerns || r.Verb != "List" && r.Verb != "Watch" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, failing := b.since[r.Resource]
	switch {
	case r.Code/100 == 2:
		delete(b.since, r.Resource)
	case r.Code == http.StatusGone: // what was seen is too old: it is listed anew
	case !failing:
		if b.since == nil {
			b.since = map[string]time.Time{}
		}
		b.since[r.Resource] = now
	}
}

// wrong names what nothing has been told of for too long; "" if there is nothing.
func (b *blindness) wrong(now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for name, since := range b.since {
		if now.Sub(since) > blindAfter {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return fmt.Sprintf("nothing is told of %s any more: may they still be listed and watched? the log says", strings.Join(names, ", "))
}

// cacheWrong says why nothing can be kept in the directory of the cache; "" if it can.
func cacheWrong(dir string) string {
	switch err := tryWrite(dir); {
	case err == nil:
		return ""
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk of --cache-dir is full: what is in it may be deleted at any time, or give it more room"
	default:
		return "--cache-dir cannot be written to"
	}
}

// tryWrite writes a little, and takes it away again.
func tryWrite(dir string) error {
	file, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, 4096))
	return errors.Join(err, file.Close(), os.Remove(file.Name()))
}

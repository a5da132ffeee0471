package registry

import (
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
)

const (
	noticeGap  = 250 * time.Millisecond // between two polls of one place, however much is announced
	doubtGap   = 10 * time.Second       // the same if nobody has signed the announcements
	maxNotices = 1024                   // waiting to be looked at
)

// A notice is an announced publication. It says where to look and is not believed.
type notice struct {
	url    string
	signed bool
}

// Notify announces that something was published at an address, of a registry as
// oci://host/path. What the store was never asked for is ignored. If nobody has signed
// the announcement, it has a place asked once within ten seconds, however many there
// are. Notify does not block; with too many notices waiting it drops this one, and
// polling finds the news.
func (w *Watcher) Notify(url string, signed bool) {
	select {
	case w.notices <- notice{url, signed}:
	default:
		w.store.options.Log.Warn("too much announced at once, one is left to polling", "repository", git.Redact(url))
	}
}

// announce brings the poll of a place forward.
func (s *schedule) announce(n notice) {
	gap := noticeGap
	if !n.signed {
		gap = doubtGap
	}
	for src, p := range s.polls {
		if !src.place.at(n.url) {
			continue
		}
		if due := p.since.Add(gap); p.asked && due.Before(p.due) {
			p.due = due
		} else if !p.asked {
			p.due = time.Now() // nobody but Resolve has asked yet
		}
	}
}

// at says that a place is at an address. Names in registries are of small letters,
// whatever people write.
func (p Place) at(url string) bool {
	if strings.HasPrefix(p.URL, ociScheme) {
		return strings.EqualFold(strings.TrimRight(p.URL, "/"), strings.TrimRight(url, "/"))
	}
	return git.SameRepo(p.URL, url)
}

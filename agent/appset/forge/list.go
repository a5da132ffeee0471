package forge

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/agent/appset"
)

// A list of several pages is no picture of one moment. If something in it goes while it
// is read, what is behind moves up, and one that was on the next page is on the one that
// was read already: it is on neither, and its Application would be deleted. No server has
// a remedy for all its lists (GitLab has keyset pagination for some, GitHub and Gitea for
// none), and no count tells if one goes and another comes. So a list of several pages is
// read until it reads the same twice: then it was so in between.
//
// It is asked for in the order in which things came to be, where the server knows that
// order, so that what is new is at its end and disturbs nothing.

// maxReadings is how often a list is read that changes meanwhile.
const maxReadings = 5

// A reading is a list, as it was read once.
type reading[T any, K comparable] struct {
	pages []page[T]
	keys  []K
}

// A page is a part of a list.
type page[T any] struct {
	items []T
	last  bool
	tag   string // the server's name of what is on it
}

// list asks for all pages. A list that is too long is an error, not a part of it, and so
// is one that never is at rest. Key is what tells an item from all others.
func list[T any, K comparable](ctx context.Context, s *server, path string, query url.Values, key func(T) K) ([]T, error) {
	var before *reading[T, K]
	for range maxReadings {
		now, err := read(ctx, s, path, query, key, before)
		if err != nil {
			return nil, err
		}
		if len(now.pages) == 1 || before != nil && now.continues(before) && !now.repeats() {
			return now.items(), nil
		}
		before = now
	}
	return nil, fmt.Errorf("%s at %s: %s changes all the while it is read, page by page, so that something may be missing; it is asked for again", s.product, s.base.Host, path)
}

// read asks for all pages once. Those that are as they were before need not be sent.
func read[T any, K comparable](ctx context.Context, s *server, path string, query url.Values, key func(T) K, before *reading[T, K]) (*reading[T, K], error) {
	r := &reading[T, K]{}
	for n := range s.options.MaxPages {
		var known *page[T]
		if before != nil && n < len(before.pages) {
			known = &before.pages[n]
		}
		p, err := readPage(ctx, s, path, query, n+1, len(r.keys), known)
		if err != nil {
			return nil, err
		}
		r.pages = append(r.pages, *p)
		for _, item := range p.items {
			r.keys = append(r.keys, key(item))
		}
		if p.last {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%w: %s at %s has more than %d pages of %s", appset.ErrLimit, s.product, s.base.Host, s.options.MaxPages, path)
}

// readPage asks for one, behind so many items.
func readPage[T any](ctx context.Context, s *server, path string, query url.Values, n, have int, known *page[T]) (*page[T], error) {
	query = maps.Clone(query)
	query.Set("page", strconv.Itoa(n))
	ask := request{method: http.MethodGet, path: path, query: query}
	if known != nil {
		ask.known = known.tag
	}
	p := &page[T]{}
	header, err := s.call(ctx, ask, &p.items)
	switch {
	case err != nil:
		return nil, err
	case header == nil: // it is as it was
		return known, nil
	}
	p.last = len(p.items) == 0 || !more(header, have+len(p.items), len(p.items) >= limitOf(query))
	p.tag = header.Get("ETag")
	return p, nil
}

// repeats says that something is in it twice: then something else may be missing, for a
// server that does not order a list the same each time.
func (r *reading[T, K]) repeats() bool {
	seen := make(map[K]bool, len(r.keys))
	for _, key := range r.keys {
		seen[key] = true
	}
	return len(seen) < len(r.keys)
}

// continues says that all is where it was before. What came behind it does no harm.
func (r *reading[T, K]) continues(before *reading[T, K]) bool {
	return len(r.keys) >= len(before.keys) && slices.Equal(r.keys[:len(before.keys)], before.keys)
}

func (r *reading[T, K]) items() (all []T) {
	for _, p := range r.pages {
		all = append(all, p.items...)
	}
	return all
}

// more says whether a list has further pages. Where they are is not taken from the
// answer: servers name themselves otherwise than they are reached. If no header tells, as
// behind a proxy that drops what it does not know, a full page has one behind it.
func more(header http.Header, have int, full bool) bool {
	for _, links := range header.Values("Link") {
		if strings.Contains(links, `rel="next"`) {
			return true
		}
	}
	total, err := strconv.Atoi(header.Get("X-Total-Count"))
	told := header["Link"] != nil || header["X-Next-Page"] != nil || err == nil
	return header.Get("X-Next-Page") != "" || err == nil && total > have || !told && full
}

// limitOf is how many items a page has that is full.
func limitOf(query url.Values) int {
	limit, err := strconv.Atoi(query.Get("per_page") + query.Get("limit"))
	if err != nil {
		return 1
	}
	return limit
}

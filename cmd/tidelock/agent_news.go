package main

import (
	"context"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/peers"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/agent/webhook"
)

// subjectNews is what replicas tell each other of repositories.
const subjectNews = "news"

// news is that there is something new in a repository.
type news struct {
	URLs      []string `json:"urls"`
	Ref       string   `json:"ref,omitempty"`
	SHA       string   `json:"sha,omitempty"`
	Published bool     `json:"published,omitempty"`
	Signed    bool     `json:"signed,omitempty"`

	// Of pull requests, and of repositories and branches that come and go.
	From    string `json:"from,omitempty"`
	ID      string `json:"id,omitempty"`
	Pulls   bool   `json:"pulls,omitempty"`
	Listing bool   `json:"listing,omitempty"`
}

// maxTold bounds how many repositories are known to have been told of.
const maxTold = 10_000

// toldFor is for how long nobody is told once more of news that a poll has found: the
// others were told of the push, or have found it, too.
const toldFor = 30 * time.Second

// A grapevine knows of which repositories all replicas have heard lately.
type grapevine struct {
	mu    sync.Mutex // guards heard
	heard map[string]time.Time
}

// hears notes it, and says whether it is new.
func (g *grapevine) hears(url string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.heard == nil || len(g.heard) >= maxTold {
		g.heard = map[string]time.Time{}
	}
	before, known := g.heard[url]
	g.heard[url] = now
	return !known || now.Sub(before) > toldFor
}

// announced has a repository asked for news, by the other replicas, too: the
// Applications that read it may be theirs.
func (p *parts) announced(a webhook.Announcement) {
	n := news{
		URLs: a.URLs, Ref: a.Ref, SHA: a.SHA, Published: a.Published, Signed: a.Signed,
		From: a.From, ID: a.ID, Pulls: a.Pulls, Listing: a.Listing,
	}
	p.learn(n)
	p.spread(n)
	if a.Ref == "" && !a.Published {
		return
	}
	p.metrics.Announced(a.SHA)
	p.tracer.Announced(a.From, git.Redact(a.URLs[0]), a.SHA)
}

// learn has repositories asked for news, and who lists pull requests and repositories.
func (p *parts) learn(n news) {
	if n.Pulls || n.Listing {
		p.sets.Renew(forge.News{From: n.From, URLs: n.URLs, ID: n.ID, Pulls: n.Pulls, Listing: n.Listing}.Concern, n.Signed)
	}
	if (n.Pulls || n.Listing) && n.Ref == "" {
		return
	}
	for _, url := range n.URLs {
		p.grapevine.hears(url, time.Now())
		if n.Published {
			p.publications.Notify(url, n.Signed)
			continue
		}
		p.watcher.Notify(url, n.Ref, n.SHA, n.Signed)
	}
}

// heardNews is what another replica tells.
func (p *parts) heardNews(_ context.Context, n news) bool {
	p.learn(n)
	return true
}

// found tells the others of news that this replica has found by asking a repository, if
// nobody has announced them.
func (p *parts) found(url string, published bool) {
	if p.grapevine.hears(url, time.Now()) {
		p.spread(news{URLs: []string{url}, Published: published, Signed: true})
	}
}

// spread tells the others, soon. With too much to tell they find it by asking.
func (p *parts) spread(n news) {
	if p.replicas.alone() || len(p.replicas.share.Others()) == 0 {
		return
	}
	select {
	case p.spreading <- n:
	default:
		p.log.Warn("there are too many news for the other replicas, they find them by asking repositories")
	}
}

// runNews tells the others until ctx ends.
func (p *parts) runNews(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case n := <-p.spreading:
			peers.Each[bool](ctx, p.replicas.peers, subjectNews, n, func(m shard.Member, err error) {
				p.log.Debug("a replica does not hear the news of a repository, and finds them by asking it", "replica", m.ID, "error", err)
			})
		}
	}
}

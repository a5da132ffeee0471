package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// maxHaves is how many commits we tell a server that we have. The tips of what
// we fetched last are enough for it to send only what is new.
const maxHaves = 256

// reclone is how long a mirror that was filled from nothing is trusted to lack
// only what the server did not send.
const reclone = time.Hour

// fetch brings want into the mirror: alone, or, if the mirror has history, with
// what the branches and tags point at. It takes its turn; if an earlier one
// brought want, there is nothing to do.
func (r *remote) fetch(ctx context.Context, want plumbing.Hash) error {
	m := r.mirror
	if err := m.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer m.turn.Release(1)
	if err := m.heal(); err != nil {
		return err
	}
	if m.has(want) {
		return nil
	}
	c, err := r.greet(ctx, want)
	if err != nil {
		return err
	}
	defer c.close()
	depth := r.depth(c.listing)
	if depth > 0 {
		err = r.fetchShallow(ctx, c, want, depth)
	} else {
		err = r.receive(ctx, c, c.listing.wants(m, want), 0)
	}
	switch {
	case err != nil:
		return err
	case !m.has(want) && depth > 0:
		return r.deepen(ctx, want) // it lies behind a tip
	case !m.has(want) && c.listing.servesAny():
		if err := r.receiveOne(ctx, want, 0); err != nil {
			return err
		}
	}
	m.tips = c.listing.refs
	return m.saveRefs(c.listing)
}

// heal drops a mirror in which damage was found, unless it is new and the
// server is to blame, and one whose files somebody removed.
func (m *mirror) heal() error {
	for _, p := range *m.packs.Load() {
		if _, err := os.Stat(packPath(m.packDir(), p.name, "pack")); errors.Is(err, os.ErrNotExist) {
			m.log.Warn("git mirror was removed while in use", "mirror", m.path)
			return m.drop()
		}
	}
	if _, err := os.Stat(m.packDir()); errors.Is(err, os.ErrNotExist) {
		return m.create()
	}
	d := m.damaged.Load()
	if d == nil {
		return nil
	}
	if d.missing && time.Since(m.cloned) < reclone {
		m.damaged.Store(nil)
		return nil
	}
	m.log.Warn("dropping a damaged git mirror", "mirror", m.path, "error", d)
	return m.drop()
}

// greet opens a session. Over http the answer to a recent listing will do, if it
// has what is wanted, and saves a round trip.
func (r *remote) greet(ctx context.Context, want plumbing.Hash) (*conversation, error) {
	l := r.last.Load()
	if l != nil && r.stateless && !l.redirected && time.Since(l.at) < 10*time.Second && !l.tip(want).IsZero() {
		session, _, err := r.open(ctx)
		return &conversation{l, session}, err
	}
	return r.ask(ctx)
}

// wants are the tips that the mirror lacks: of branches and tags, and the one
// that is wanted if it is of something else, such as a pull request.
func (l *listing) wants(m *mirror, want plumbing.Hash) []plumbing.Hash {
	var wants []plumbing.Hash
	seen := map[plumbing.Hash]bool{}
	add := func(h plumbing.Hash) {
		if !h.IsZero() && !seen[h] && !m.has(h) {
			seen[h] = true
			wants = append(wants, h)
		}
	}
	add(l.head)
	if l.advertises(want) {
		add(want)
	}
	for name, h := range l.refs {
		if strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/") {
			add(h)
		}
	}
	return wants
}

// servesAny reports whether the server gives out commits that it does not list.
func (l *listing) servesAny() bool {
	return l.caps.Supports(capability.AllowReachableSHA1InWant) || l.caps.Supports(capability.AllowTipSHA1InWant)
}

func (l *listing) advertises(h plumbing.Hash) bool {
	if l.head == h {
		return true
	}
	for _, tip := range l.refs {
		if tip == h {
			return true
		}
	}
	return false
}

// receiveOne asks for a commit that is no tip, such as one that a branch has left.
func (r *remote) receiveOne(ctx context.Context, want plumbing.Hash, depth int) error {
	c, err := r.ask(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	if err := r.receive(ctx, c, []plumbing.Hash{want}, depth); err != nil && !notOurs(err) {
		return err
	}
	return nil
}

// notOurs recognises the server's "upload-pack: not our ref". Most servers end
// the answer there, so that what is left of it does not parse.
func notOurs(err error) bool {
	return strings.Contains(err.Error(), "not our ref") || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, transport.ErrEmptyUploadPackRequest)
}

// receive asks for commits, and depth generations of each (0 for all), and adds
// the pack to the mirror.
func (r *remote) receive(ctx context.Context, c *conversation, wants []plumbing.Hash, depth int) error {
	if len(wants) == 0 {
		return nil
	}
	m := r.mirror
	req, err := r.request(c.listing, wants, depth)
	if err != nil {
		return err
	}
	res, err := c.session.UploadPack(ctx, req)
	if err != nil {
		return fmt.Errorf("ask for %d commits: %w", len(wants), err)
	}
	defer res.Close()
	if err := m.cutOff(res.Shallows); err != nil {
		return err
	}
	p, err := writePack(m.packDir(), demux(req.Capabilities, res), r.limits.pack, m.bases)
	switch {
	case depth > 0 && errors.Is(err, packfile.ErrEmptyPackfile): // all there is to know is where history ends
	case err != nil:
		return errors.Join(ctx.Err(), err)
	default:
		m.add(p)
	}
	return m.mend(res.ShallowUpdate)
}

func (r *remote) request(l *listing, wants []plumbing.Hash, depth int) (*packp.UploadPackRequest, error) {
	req := packp.NewUploadPackRequestFromCapabilities(l.caps)
	if l.caps.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return nil, err
		}
	}
	if azureDevOps(r.repo.URL) {
		// It answers no other request. go-git hides that it is offered, for it cannot
		// talk that way back and forth, which takes more than one request: ours never
		// does.
		if err := req.Capabilities.Set(capability.MultiACKDetailed); err != nil {
			return nil, err
		}
	}
	req.Wants = wants
	req.Haves = r.mirror.haves(l)
	return req, r.mirror.shallowly(req, depth)
}

// azureDevOps recognises addresses of Azure DevOps and of its servers.
func azureDevOps(address string) bool {
	_, path := split(address)
	host := hostOf(address)
	return strings.Contains(path, "/_git/") || host == "ssh.dev.azure.com" || strings.HasPrefix(address, "git@ssh.dev.azure.com:") ||
		strings.HasSuffix(host, ".visualstudio.com")
}

// add makes a pack's objects readable. It needs the turn.
func (m *mirror) add(p *pack) {
	old := *m.packs.Load()
	if len(old) == 0 {
		m.cloned = time.Now()
	}
	now := append(slices.Clone(old), p)
	m.packs.Store(&now)
}

// haves are the tips of the last fetch, first those of refs that moved since:
// what they moved to most likely builds on them.
func (m *mirror) haves(l *listing) []plumbing.Hash {
	ps := *m.packs.Load()
	var moved, rest []plumbing.Hash
	for _, name := range slices.Sorted(maps.Keys(m.tips)) {
		switch h := m.tips[name]; {
		case !ps.has(h):
		case l.refs[name] != h:
			moved = append(moved, h)
		default:
			rest = append(rest, h)
		}
	}
	haves := append(moved, rest...)
	return haves[:min(maxHaves, len(haves))]
}

func demux(caps *capability.List, stream io.Reader) io.Reader {
	for c, kind := range map[capability.Capability]sideband.Type{
		capability.Sideband64k: sideband.Sideband64k,
		capability.Sideband:    sideband.Sideband,
	} {
		if caps.Supports(c) {
			return sideband.NewDemuxer(kind, stream)
		}
	}
	return stream
}

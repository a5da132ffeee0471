package peers

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/shard"
	"golang.org/x/sync/errgroup"
)

// a peer is a replica that answers.
type peer struct {
	*Peers
	member shard.Member
}

// begin starts a replica that answers with its name, and with what it was asked.
func begin(t *testing.T, name string) *peer {
	t.Helper()
	p, err := New(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.Others = func() []shard.Member { return nil }
	Answer(p, "name", func(_ context.Context, asked string) []string { return []string{name, asked} })
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return p.Serve(ctx, listener) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &peer{p, shard.Member{ID: name, Address: listener.Addr().String(), Print: p.Print()}}
}

// meet has replicas know of each other by their Leases.
func meet(all ...*peer) {
	for _, p := range all {
		var others []shard.Member
		for _, other := range all {
			if other != p {
				others = append(others, other.member)
			}
		}
		p.Others = func() []shard.Member { return others }
	}
}

// TestEach: who has a Lease is asked and answers; who does not answer is told of, and
// does not keep the others from it.
func TestEach(t *testing.T) {
	t.Parallel()
	a, b, c := begin(t, "a"), begin(t, "b"), begin(t, "c")
	meet(a, b, c)
	silent := func(m shard.Member, err error) { t.Errorf("%s does not answer: %v", m.ID, err) }
	for range 3 { // by the connections that there are, too
		got := Each[[]string](t.Context(), a.Peers, "name", "x", silent)
		if len(got) != 2 || strings.Join(got[0], " ") != "b x" || strings.Join(got[1], " ") != "c x" {
			t.Fatalf("got %v", got)
		}
	}
	gone := shard.Member{ID: "gone", Address: "127.0.0.1:1", Print: "ab"}
	a.Others = func() []shard.Member {
		return []shard.Member{gone, b.member, {ID: "of before", Address: "127.0.0.1:2"}}
	}
	var told []string
	got := Each[[]string](t.Context(), a.Peers, "name", "x", func(m shard.Member, _ error) { told = append(told, m.ID) })
	if len(got) != 2 || got[0] != nil || strings.Join(got[1], " ") != "b x" || strings.Join(told, " ") != "gone" {
		t.Errorf("got %v, and silent are %v", got, told)
	}
}

// TestStrangers: without a Lease nobody is let in; and whoever answers at the address of
// a Lease without its key is not asked.
func TestStrangers(t *testing.T) {
	t.Parallel()
	a, b, stranger := begin(t, "a"), begin(t, "b"), begin(t, "stranger")
	meet(a, b)
	var answer []string
	if err := stranger.Ask(t.Context(), a.member, "name", "x", &answer); err == nil || !strings.Contains(err.Error(), ErrStranger.Error()) {
		t.Errorf("a stranger is answered %v, %v", answer, err)
	}
	posing := shard.Member{ID: "b", Address: stranger.member.Address, Print: b.Print()}
	if err := a.Ask(t.Context(), posing, "name", "x", &answer); !errors.Is(err, ErrStranger) {
		t.Errorf("who answers in the place of another is asked: %v, %v", answer, err)
	}
	if err := a.Ask(t.Context(), b.member, "name", "x", &answer); err != nil {
		t.Error(err)
	}
	meet(b, stranger) // the Lease of a is gone
	if err := a.Ask(t.Context(), b.member, "name", "x", &answer); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("whose Lease is gone is answered %v, %v", answer, err)
	}
}

// TestBounds: what is too large, no JSON or of no subject is refused.
func TestBounds(t *testing.T) {
	t.Parallel()
	a, b := begin(t, "a"), begin(t, "b")
	meet(a, b)
	var answer []string
	for _, tt := range []struct {
		name, subject string
		question      any
		want          string
	}{
		{"too large", "name", strings.Repeat("x", maxQuestion+1), "request body too large"},
		{"of another kind", "name", 1, "cannot be read"},
		{"of nothing", "nothing", "x", "404"},
	} {
		if err := a.Ask(t.Context(), b.member, tt.subject, tt.question, &answer); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	var other map[string]string
	if err := a.Ask(t.Context(), b.member, "name", "x", &other); err == nil || !strings.Contains(err.Error(), "replica b") {
		t.Errorf("an answer of another kind: %v", err)
	}
}

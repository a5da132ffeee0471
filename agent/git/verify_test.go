package git

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/git/signature"
	"github.com/tidelock-io/tidelock/agent/git/signature/signaturetest"
)

func TestMain(m *testing.M) {
	signaturetest.Main()
	os.Exit(m.Run())
}

// signed is an upstream whose commits real git signs, in Alice's name if nothing
// else is said.
type signed struct {
	*upstream
	store      *Store
	repo       Repo
	alice, bob *signaturetest.Key
	keyring    *signature.Keyring
}

func newSigned(t *testing.T) *signed {
	t.Helper()
	s := &signed{upstream: newUpstream(t), store: newStore(t, Options{})}
	s.repo = Repo{URL: s.serve("", "").url()} // which gives history only when asked for it
	entries := map[string]string{}
	for _, k := range []**signaturetest.Key{&s.alice, &s.bob} {
		key, err := signaturetest.New("somebody", signaturetest.Made, 0)
		if err != nil {
			t.Fatal(err)
		}
		if entries[key.ID()], err = key.Public(); err != nil {
			t.Fatal(err)
		}
		*k = key
	}
	var err error
	if s.keyring, err = signature.ReadKeyring(entries); err != nil {
		t.Fatal(err)
	}
	return s
}

// as makes git sign with a key.
func (s *signed) as(k *signaturetest.Key) {
	s.t.Helper()
	config, err := k.Config(s.base)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range config {
		s.work("config", name, value)
	}
}

// change commits and returns the SHA; args are those of git commit.
func (s *signed) change(args ...string) string {
	s.t.Helper()
	s.work(append([]string{"commit", "-q", "--allow-empty", "-m", "change"}, args...)...)
	return s.work("rev-parse", "HEAD")
}

const seal = "--trailer=Argocd-gpg-seal: reviewed"

// verify wants "" or parts of the error.
func (s *signed) verify(name, revision, sha string, strict bool, keys []string, want ...string) {
	s.t.Helper()
	s.push()
	if _, err := s.store.Resolve(s.t.Context(), s.repo, revision); err != nil {
		s.t.Fatal(err)
	}
	demand := Demand{Keys: s.keyring.Accept(keys), Strict: strict, By: "project team"}
	err := s.store.Verify(s.t.Context(), s.repo, revision, sha, demand, time.Now())
	switch {
	case len(want) == 0 && err != nil:
		s.t.Errorf("%s: %v", name, err)
	case len(want) > 0 && !errors.Is(err, ErrUnproven):
		s.t.Errorf("%s: got %v, want ErrUnproven", name, err)
	}
	for _, part := range want {
		if err != nil && !strings.Contains(err.Error(), part) {
			s.t.Errorf("%s: got %v, want %q in it", name, err, part)
		}
	}
}

func TestVerifyHead(t *testing.T) {
	s := newSigned(t)
	s.as(s.alice)
	unsigned := s.change()
	head := s.change("-S")
	alice := []string{s.alice.ID()}
	s.verify("signed, before it not", "main", head, false, alice)
	s.verify("not signed", "main", unsigned, false, alice, "commit "+unsigned+": it is not signed", "project team accepts keys "+s.alice.ID())
	s.verify("by another key", "main", head, false, []string{s.bob.ID()}, "commit "+head+": it is signed by another key: "+s.alice.ID())
	s.verify("no keys", "main", head, false, nil, "accepts keys none")
	if err := s.store.Verify(t.Context(), s.repo, "main", unsigned, Demand{}, time.Now()); err != nil {
		t.Errorf("without a demand: %v", err)
	}
}

// What a tag chooses is proven by the tag, if it is annotated and still leads
// there.
func TestVerifyTag(t *testing.T) {
	s := newSigned(t)
	s.as(s.alice)
	alice := []string{s.alice.ID()}
	unsigned := s.change()
	s.work("tag", "-s", "-m", "x", "v1.0.0")
	s.work("tag", "-a", "-m", "x", "v1.1.0")
	s.work("tag", "light")
	s.work("tag", "-s", "-m", "x", "nested", "v1.1.0")
	s.work("update-ref", "refs/tags/v9.0.0", "v1.0.0")
	head := s.change("-S")
	s.work("tag", "-a", "-m", "x", "v2.0.0")
	s.work("tag", "light2")
	s.work("tag", "-s", "-m", "x", "v3.0.0")

	s.verify("a signed tag of an unsigned commit", "v1.0.0", unsigned, false, alice)
	s.verify("by its full name", "refs/tags/v1.0.0", unsigned, false, alice)
	s.verify("by a constraint", "1.0.*", unsigned, false, alice)
	s.verify("a signed tag of a tag", "nested", unsigned, false, alice)
	s.verify("by another key", "v1.0.0", unsigned, false, []string{s.bob.ID()}, "tag v1.0.0: it is signed by another key")
	s.verify("an unsigned tag", "v1.1.0", unsigned, false, alice, "tag v1.1.0: it is not signed")
	s.verify("an unsigned tag of a signed commit", "v2.0.0", head, false, alice, "tag v2.0.0: it is not signed")
	s.verify("a light tag is a name", "light", unsigned, false, alice, "commit "+unsigned+": it is not signed")
	s.verify("a light tag of a signed commit", "light2", head, false, alice)
	s.verify("an old release under a new name", "v9.0.0", unsigned, false, alice, `tag v9.0.0: it is the tag "v1.0.0" under another name`)
	s.verify("strict asks for the history, too", "v3.0.0", head, true, alice, "commit "+unsigned+": it is not signed")

	s.work("tag", "-f", "-s", "-m", "x", "v1.0.0", head)
	s.verify("moved on", "v1.0.0", unsigned, false, alice, "commit "+unsigned+": it is not signed")
	s.verify("moved here", "v1.0.0", head, false, alice)
}

func TestVerifyStrict(t *testing.T) {
	s := newSigned(t)
	s.as(s.alice)
	alice := []string{s.alice.ID()}
	s.change("-S")
	second := s.change("-S")
	s.verify("all signed", "main", second, true, alice)
	unsigned := s.change()
	head := s.change("-S")
	s.verify("a gap", "main", head, true, alice, "commit "+unsigned+": it is not signed")
	s.verify("before the gap", "main", second, true, alice)
	s.verify("head does not mind", "main", head, false, alice)

	falseSeal := s.change(seal)
	s.verify("a seal must be signed", "main", falseSeal, true, alice, "commit "+falseSeal+": it is not signed")
	s.work("reset", "-q", "--hard", head)
	sealed := s.change("-S", seal)
	s.verify("a seal", "main", sealed, true, alice)
	s.verify("under a seal nothing else holds", "main", sealed, true, []string{s.bob.ID()}, "commit "+sealed+": it is signed by another key")
	s.as(s.bob)
	byBob := s.change("-S")
	s.as(s.alice)
	after := s.change("-S")
	s.verify("both accepted", "main", after, true, []string{s.alice.ID(), s.bob.ID()})
	s.verify("Bob has left", "main", after, true, alice, "commit "+byBob+": it is signed by another key: "+s.bob.ID())
	s.verify("Bob has left, after what is proven", "main", after, true, alice, "commit "+byBob)
}

// A seal vouches for its ancestors by whichever way they are reached, and for
// nothing on branches that do not have it.
func TestVerifySealedBranches(t *testing.T) {
	s := newSigned(t)
	s.as(s.alice)
	alice := []string{s.alice.ID()}
	unsigned := s.change()
	s.work("checkout", "-q", "-b", "feature")
	feature := s.change("-S")
	s.work("checkout", "-q", "main")
	sealed := s.change("-S", seal)
	s.verify("the seal", "main", sealed, true, alice) // remembered from here
	s.work("merge", "-q", "--no-ff", "-S", "-m", "merge", "feature")
	merged := s.work("rev-parse", "HEAD")
	s.verify("a branch from before the seal is merged", "main", merged, true, alice)
	next := s.change("-S")
	s.verify("and after", "main", next, true, alice)
	s.work("checkout", "-q", "feature")
	s.verify("the branch itself has no seal", "feature", feature, true, alice, "commit "+unsigned+": it is not signed")
	further := s.change("-S")
	s.verify("nor what grows on it", "feature", further, true, alice, "commit "+unsigned+": it is not signed")
}

// What was proven is not proven again, and no longer than the keys live.
func TestVerifyStrictRemembers(t *testing.T) {
	s := newSigned(t)
	s.as(s.alice)
	for range 20 {
		s.change("-S")
	}
	head := s.change("-S")
	s.verify("all", "main", head, true, []string{s.alice.ID()})
	r, err := s.store.remote(s.repo)
	if err != nil {
		t.Fatal(err)
	}
	a := r.mirror.ancestry(s.keyring.Accept([]string{s.alice.ID()}))
	if len(a.proven) != 21 {
		t.Errorf("%d commits are remembered, want 21", len(a.proven))
	}
	a.until = time.Now()
	s.verify("a key has expired", "main", head, true, []string{s.alice.ID()})
	if len(a.proven) != 21 || !a.until.IsZero() {
		t.Errorf("%d commits are remembered until %s, want 21 for ever", len(a.proven), a.until)
	}
	if other := r.mirror.ancestry(s.keyring.Accept([]string{s.bob.ID()})); other == a {
		t.Error("what one key proves counts for another")
	}
}

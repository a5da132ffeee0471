package git

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/skeema/knownhosts"
	"github.com/tidelock-io/tidelock/secrets"
)

// counted is how many commits real git finds behind one in a mirror.
func (u *upstream) counted(s *Store, sha string) string {
	u.t.Helper()
	return u.git(onlyMirror(u.t.(*testing.T), s).path, "rev-list", "--count", sha)
}

// history makes n commits on a branch.
func (u *upstream) history(n int) (shas []string) {
	for i := range n {
		shas = append(shas, u.commit(map[string]string{"a": fmt.Sprint(i)}))
	}
	return shas
}

// A mirror begins with the one commit that is rendered, and is completed when
// somebody needs what is behind it.
func TestShallow(t *testing.T) {
	u := newUpstream(t)
	shas := u.history(5)
	u.work("branch", "other", shas[1])
	u.work("tag", "-a", "-m", "x", "v1.0.0", shas[2])
	u.push()
	web := u.serve("", "")
	host, _ := newKey(t)
	user, private := newKey(t)
	address := u.serveSSH(t, host, user.PublicKey())
	ssh := Repo{URL: "ssh://git@" + address + "/shop.git", Credentials: Credentials{
		SSHPrivateKey: secrets.New(private), KnownHosts: knownhosts.Line([]string{address}, host.PublicKey()),
	}}

	for name, repo := range map[string]Repo{"http": {URL: web.url()}, "ssh": ssh} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			s := openStore(t, root, Options{})
			expect := func(sha, count, text string) {
				t.Helper()
				if got := content(t, tree(t, s, repo, sha), "a"); got != text {
					t.Errorf("got %q, want %q", got, text)
				}
				if got := u.counted(s, sha); got != count {
					t.Errorf("%s commits, want %s", got, count)
				}
				u.git(onlyMirror(t, s).path, "fsck", "--strict", "--full")
			}
			expect(resolve(t, s, repo, "main"), "1", "4")
			expect(resolve(t, s, repo, "v1.*"), "1", "2")

			must(t, s.Close())
			s = openStore(t, root, Options{})
			expect(resolve(t, s, repo, "other"), "1", "1") // no more, although its child is there

			if sha := resolve(t, s, repo, shas[3][:9]); sha != shas[3] {
				t.Errorf("short SHA: %s", sha)
			}
			expect(shas[4], "5", "4")
			if _, err := os.Stat(onlyMirror(t, s).shallowFile()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the mirror is still shallow: %v", err)
			}
		})
	}
}

// What is pushed on top is fetched alone, and what it rests on is known.
func TestShallowGrows(t *testing.T) {
	u := newUpstream(t)
	u.history(3)
	web := u.serve("", "")
	s := newStore(t, Options{})
	repo := Repo{URL: web.url()}
	tree(t, s, repo, resolve(t, s, repo, ""))
	for i := range 3 {
		sha := u.commit(map[string]string{"b": fmt.Sprint(i)})
		tree(t, s, repo, resolve(t, s, repo, ""))
		if got := u.counted(s, sha); got != fmt.Sprint(i+2) {
			t.Errorf("%s commits, want %d", got, i+2)
		}
	}
}

func TestDepth(t *testing.T) {
	u := newUpstream(t)
	shas := u.history(5)
	web := u.serve("", "")
	s := newStore(t, Options{})
	tree(t, s, Repo{URL: web.url(), Depth: 3}, shas[4])
	if got := u.counted(s, shas[4]); got != "3" {
		t.Errorf("%s commits, want 3", got)
	}
}

// A commit that no ref leads to comes alone from a server that gives it out, and
// with all history from one that does not.
func TestShallowBehindATip(t *testing.T) {
	for allow, want := range map[string]string{"false": "2", "true": "1"} {
		u := newUpstream(t)
		shas := u.history(4)
		u.git(u.bare(), "config", "uploadpack.allowReachableSHA1InWant", allow)
		web := u.serve("", "")
		s := newStore(t, Options{})
		repo := Repo{URL: web.url()}
		if got := content(t, tree(t, s, repo, shas[1]), "a"); got != "1" {
			t.Errorf("got %q", got)
		}
		if got := u.counted(s, shas[1]); got != want {
			t.Errorf("%s commits with allow=%s, want %s", got, allow, want)
		}
		if _, err := s.Tree(t.Context(), repo, strings.Repeat("ab", 20)); !errors.Is(err, ErrRevision) {
			t.Errorf("no such commit: %v", err)
		}
	}
}

// Signatures of all ancestors need all ancestors.
func TestShallowAncestry(t *testing.T) {
	s := newSigned(t)
	alice, both := []string{s.alice.ID()}, []string{s.alice.ID(), s.bob.ID()}
	s.as(s.bob)
	byBob := s.change("-S")
	s.as(s.alice)
	s.change("-S")
	head := s.change("-S")
	s.verify("head alone", "main", head, false, alice)
	if got := s.counted(s.store, head); got != "1" {
		t.Errorf("%s commits, want 1", got)
	}
	s.verify("with Bob's commit behind it", "main", head, true, alice, "commit "+byBob)
	s.verify("both accepted", "main", head, true, both)
	s.verify("one more", "main", s.change("-S"), true, both)
}

// Whatever is pushed, in whatever order it is read: trees are whole, git finds
// nothing wrong with the mirror, and history can be completed.
func TestShallowByChance(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	u := newUpstream(t)
	shas := u.history(2)
	web := u.serve("", "")
	s := newStore(t, Options{MaxPacks: 3})
	repo := Repo{URL: web.url()}
	for i := range 25 {
		switch random.IntN(4) {
		case 0: // a branch from somewhere
			u.work("checkout", "-q", "-B", fmt.Sprintf("b%d", random.IntN(3)), shas[random.IntN(len(shas))])
		case 1: // a merge
			u.work("merge", "-q", "-s", "ours", "-m", "merge", shas[random.IntN(len(shas))])
		case 2: // another past
			u.work("reset", "-q", "--hard", shas[random.IntN(len(shas))])
		}
		shas = append(shas, u.commit(map[string]string{"a": fmt.Sprint(i), fmt.Sprintf("f%d", random.IntN(5)): fmt.Sprint(i)}))
		branch := u.work("rev-parse", "--abbrev-ref", "HEAD")
		if random.IntN(3) == 0 {
			continue // not looked at
		}
		sha := resolve(t, s, repo, branch)
		if got, want := fingerprintOf(t, tree(t, s, repo, sha)), u.work("ls-tree", "-r", sha); got != want {
			t.Fatalf("%s:\n%s\nwant\n%s", sha, got, want)
		}
		must(t, s.work.Wait()) // git minds packs that are merged while it looks
		u.git(onlyMirror(t, s).path, "fsck", "--strict", "--full")
	}
	last := u.work("rev-parse", "HEAD")
	r, err := s.remote(repo)
	must(t, err)
	must(t, s.history(t.Context(), r, r.last.Load().head))
	tree(t, s, repo, last)
	if got, want := u.counted(s, last), u.work("rev-list", "--count", last); got != want {
		t.Errorf("%s commits, want %s", got, want)
	}
}

// fingerprintOf prints a tree as git ls-tree -r does.
func fingerprintOf(t *testing.T, tree *Tree) string {
	t.Helper()
	entries, err := tree.ReadDir(".")
	must(t, err)
	var lines []string
	for _, e := range entries {
		found, err := tree.Lookup(e.Name())
		must(t, err)
		if _, err := tree.ReadFile(e.Name()); err != nil {
			t.Error(err)
		}
		lines = append(lines, fmt.Sprintf("100644 blob %s\t%s", found.Hash, e.Name()))
	}
	return strings.Join(lines, "\n")
}

// Azure DevOps answers requests with multi_ack_detailed only.
func TestAzureDevOps(t *testing.T) {
	for address, want := range map[string]bool{
		"https://dev.azure.com/acme/shop/_git/shop":   true,
		"https://acme.visualstudio.com/shop/_git/x":   true,
		"https://tfs.example.com/tfs/acme/_git/x":     true,
		"git@ssh.dev.azure.com:v3/acme/shop/shop":     true,
		"ssh://git@ssh.dev.azure.com/v3/acme/shop/x":  true,
		"https://github.com/acme/shop":                false,
		"https://evil.com/?x=.visualstudio.com/_gitx": false,
	} {
		if azureDevOps(address) != want {
			t.Errorf("%s: want %v", address, want)
		}
	}

	u := newUpstream(t)
	u.history(2)
	must(t, os.MkdirAll(u.base+"/_git", 0o700))
	must(t, os.Rename(u.bare(), u.base+"/_git/shop.git"))
	must(t, os.Symlink("_git/shop.git", u.bare()))
	web := u.serve("", "")
	repo := Repo{URL: web.URL + "/_git/shop.git"}
	for _, deep := range []bool{false, true} {
		s := newStore(t, Options{})
		for i := range 3 {
			sha := resolve(t, s, repo, "main")
			tree(t, s, repo, sha)
			if deep {
				resolve(t, s, repo, sha[:8])
				r, err := s.remote(repo)
				must(t, err)
				must(t, s.history(t.Context(), r, r.last.Load().head))
			}
			u.commit(map[string]string{"a": fmt.Sprint("azure", i, deep)})
		}
	}
}

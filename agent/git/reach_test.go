package git

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/secrets"
)

func TestModuleURL(t *testing.T) {
	for _, tt := range []struct{ parent, to, want string }{
		{"https://h/org/shop.git", "../lib.git", "https://h/org/lib.git"},
		{"https://h/org/shop", "../../other/lib", "https://h/other/lib"},
		{"https://h:8443/org/shop/", "./sub", "https://h:8443/org/shop/sub"},
		{"https://h/shop", ".././../lib", ""},
		{"https://h/shop", "../lib/../../x", ""},
		{"git@hub:org/shop.git", "../lib.git", "git@hub:org/lib.git"},
		{"git@hub:shop.git", "../lib.git", "git@hub:lib.git"},
		{"ssh://git@h:22/org/shop", "../lib", "ssh://git@h:22/org/lib"},
		{"/srv/git/shop.git", "../lib.git", ""},
		{"file:///srv/git/shop.git", "../lib.git", ""},
		{"https://h/org/shop", "https://other/lib", "https://other/lib"},
		{"https://h/org/shop", "git@other:lib", "git@other:lib"},
		{"https://h/org/shop", "ssh://git@other/lib", "ssh://git@other/lib"},
		{"https://h/org/shop", "/srv/git/lib", ""},
		{"https://h/org/shop", "file:///srv/git/lib", ""},
		{"https://h/org/shop", "ext::sh -c id", ""},
		{"https://h/org/shop", "ext::id", ""},
		{"https://h/org/shop", "-u./payload", ""},
		{"https://h/org/shop", "ssh://-oProxyCommand=id/x", ""},
		{"https://h/org/shop", "https://h/x\n", ""},
		{"https://h/org/shop", "git://h/x", ""},
		{"https://h/org/shop", "lib", ""},
	} {
		got, err := moduleURL(tt.parent, tt.to)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s in %s: got %q, %v, want %q", tt.to, tt.parent, got, err, tt.want)
		}
	}
}

// nested is shop.git with the submodule lib.git, which has the submodule deep.git
// and a link that leads out of it.
type nested struct {
	shop, lib, deep *upstream
	web             *webServer
	asked           []string
	refuse          string // what Permit refuses
}

// beside makes another repository that is served with the first.
func (u *upstream) beside(name string) *upstream {
	v := newUpstream(u.t)
	u.git(u.base, "init", "-q", "--bare", "-b", "main", name)
	v.work("remote", "set-url", "origin", u.base+"/"+name)
	return v
}

// pin puts a submodule into the index.
func (u *upstream) pin(path, url, sha string) {
	u.t.Helper()
	u.work("config", "-f", ".gitmodules", "submodule."+path+".path", path)
	u.work("config", "-f", ".gitmodules", "submodule."+path+".url", url)
	u.work("add", ".gitmodules")
	u.work("update-index", "--add", "--cacheinfo", "160000,"+sha+","+path)
}

// commitIndex commits what is in the index, submodules that are not there included.
func (u *upstream) commitIndex() string {
	u.t.Helper()
	u.work("commit", "-q", "-m", "change")
	u.push()
	return u.work("rev-parse", "HEAD")
}

func newNested(t *testing.T) *nested {
	n := &nested{shop: newUpstream(t)}
	n.web = n.shop.serve("bob", "hunter22")
	n.lib, n.deep = n.shop.beside("lib.git"), n.shop.beside("deep.git")
	deep := n.deep.commit(map[string]string{"z": "deep"})
	n.lib.commit(map[string]string{"x": "1", "out": "-> ../../a", "dir/y": "2"})
	n.lib.pin("deep", n.web.URL+"/deep.git", deep)
	n.lib.commitIndex()
	n.shop.commit(map[string]string{"a": "top", "way": "-> vendor/lib/dir"})
	return n
}

func (n *nested) repo() Repo {
	c := Credentials{Username: "bob", Password: secrets.New([]byte("hunter22"))}
	return Repo{URL: n.web.url(), Credentials: c, Modules: &Modules{
		Permit: func(url string) error {
			if n.refuse != "" && strings.Contains(url, n.refuse) {
				return errors.New("project team does not permit it")
			}
			return nil
		},
		Repo: func(url string) Repo {
			n.asked = append(n.asked, strings.TrimPrefix(url, n.web.URL))
			return Repo{URL: url, Credentials: c}
		},
	}}
}

func TestSubmodules(t *testing.T) {
	n := newNested(t)
	first := n.lib.work("rev-parse", "HEAD")
	n.shop.pin("vendor/lib", "../lib.git", first)
	n.shop.pin("vendor/none", "../none.git", first)
	n.shop.pin("vendor/local", n.shop.base+"/lib.git", first)
	n.shop.work("update-index", "--add", "--cacheinfo", "160000,"+first+",vendor/unlisted")
	sha := n.shop.commitIndex()
	s := newStore(t, Options{})
	files := tree(t, s, n.repo(), sha)

	content(t, files, "a")
	if _, err := files.ReadDir("vendor"); err != nil || n.asked != nil {
		t.Errorf("%v; asked for %v before it was read", err, n.asked)
	}
	for name, want := range map[string]string{"vendor/lib/x": "1", "vendor/lib/dir/y": "2", "way/y": "2", "vendor/lib/out": "top", "vendor/lib/deep/z": "deep"} {
		if got := content(t, files, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := strings.Join(n.asked, " "); got != "/lib.git /deep.git" {
		t.Errorf("asked for %s", got)
	}
	entries, err := files.ReadDir("vendor")
	if err != nil || !entries[0].IsDir() || entries[0].Name() != "lib" {
		t.Errorf("listing: %v, %v", entries, err)
	}
	info, err := files.Stat("vendor/lib")
	if err != nil || !info.IsDir() {
		t.Errorf("stat: %v, %v", info, err)
	}
	for name, says := range map[string]string{
		"vendor/lib/none":   "vendor/lib/none does not exist",
		"vendor/none/x":     "no such repository",
		"vendor/local/x":    "paths on this machine are not followed",
		"vendor/unlisted/x": "is a submodule that .gitmodules does not name",
	} {
		if _, err := files.ReadFile(name); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
	}
}

// The pinned commit is the fact, and who may read it is asked each time.
func TestFactsOfSubmodules(t *testing.T) {
	n := newNested(t)
	first := n.lib.work("rev-parse", "HEAD")
	n.shop.pin("vendor/lib", "../lib.git", first)
	sha := n.shop.commitIndex()
	s := newStore(t, Options{})
	before := tree(t, s, n.repo(), sha)
	r := NewRecorder(before)
	for _, name := range []string{"a", "way/y", "vendor/lib/deep/z"} {
		_, err := r.ReadFile(name)
		must(t, err)
	}
	_, _ = r.Stat("vendor/lib/none")
	facts := r.Facts()
	if text := facts.String(); strings.Count(text, "in vendor/lib@"+first) != 3 {
		t.Errorf("facts:\n%s", text)
	}
	holds := func(what, sha string, want bool) {
		t.Helper()
		n.asked = nil
		now := tree(t, s, n.repo(), sha)
		if got := facts.Hold(now); got != want {
			broken, _ := facts.Broken(now)
			t.Errorf("%s: holds %v, want %v; %v", what, got, want, broken)
		}
		changes, err := Compare(before, now)
		must(t, err)
		if got := facts.HoldAfter(changes, now); got != want {
			t.Errorf("%s: holds %v after the changes, want %v", what, got, want)
		}
	}
	holds("the same", sha, true)
	n.refuse = "deep.git"
	holds("no longer permitted", sha, false)
	n.refuse = ""
	n.shop.work("reset", "-q", "--hard")
	write(t, n.shop.tree(), map[string]string{"b": "other"})
	n.shop.work("add", "b")
	holds("another file", n.shop.commitIndex(), true)

	second := n.lib.commit(map[string]string{"unread": "1"})
	n.shop.pin("vendor/lib", "../lib.git", second)
	holds("another commit of it", n.shop.commitIndex(), false)
	if n.asked != nil {
		t.Errorf("it was fetched to see that: %v", n.asked)
	}
	n.shop.work("rm", "-q", "--cached", "vendor/lib")
	holds("gone", n.shop.commitIndex(), false)
}

func TestSubmodulesOfSubmodules(t *testing.T) {
	u := newUpstream(t)
	web := u.serve("", "")
	sha := u.commit(map[string]string{"a": "0"})
	for range maxModules + 1 { // each commit holds the one before
		u.work("config", "-f", ".gitmodules", "submodule.again.path", "again")
		u.pin("again", web.url(), sha)
		sha = u.commitIndex()
	}
	repo := Repo{URL: web.url(), Modules: &Modules{Permit: func(string) error { return nil }, Repo: func(url string) Repo { return Repo{URL: url} }}}
	files := tree(t, newStore(t, Options{}), repo, sha)
	if got := content(t, files, strings.Repeat("again/", maxModules)+"a"); got != "0" {
		t.Errorf("got %q", got)
	}
	_, err := files.ReadFile(strings.Repeat("again/", maxModules+1) + "a")
	if !errors.Is(err, ErrSubmodule) || !strings.Contains(err.Error(), fmt.Sprintf("more than %d deep", maxModules)) {
		t.Errorf("got %v", err)
	}
}

// A link out of a submodule and its superproject leads nowhere.
func TestLinksOfSubmodules(t *testing.T) {
	n := newNested(t)
	n.lib.commit(map[string]string{"up": "-> ../../../x", "abs": "-> /etc/passwd"})
	n.shop.pin("vendor/lib", "../lib.git", n.lib.work("rev-parse", "HEAD"))
	files := tree(t, newStore(t, Options{}), n.repo(), n.shop.commitIndex())
	for _, name := range []string{"vendor/lib/up", "vendor/lib/abs"} {
		if _, err := files.ReadFile(name); !errors.Is(err, ErrLink) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Package forgetest is a forge in the test's own process: a server that speaks what
// agents ask of GitHub, GitLab and Gitea, each below the path of its API, and announces
// what happens to its pull requests and branches as each of the three does, signed.
//
// What it says of branches and files is what its repositories hold, which are real.
// Start with [Start].
package forgetest

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"sync"
)

// Git is a repository.
type Git interface {
	// Heads returns the commits of the branches.
	Heads(ctx context.Context) (map[string]string, error)
	// List names what is in a directory of a branch; nothing if there is none.
	List(ctx context.Context, branch, dir string) ([]string, error)
}

// A Repository is one of a forge.
type Repository struct {
	Owner, Name string
	CloneURL    string
	Default     string // branch
	Topics      []string
	Git         Git

	id    int
	pulls []Pull
}

// A Pull is an open pull request.
type Pull struct {
	Number         int
	Title, Author  string
	Branch, Target string
	Labels         []string
}

// A Mood is how a forge answers.
type Mood string

// The moods. In all but the first nothing can be learned from it, and it says so, except
// for Empty, in which it answers that there is nothing.
const (
	Well    Mood = "well"
	Empty   Mood = "empty"
	Down    Mood = "down"    // 502, with a page for people
	Denied  Mood = "denied"  // 401
	Limited Mood = "limited" // asked too often, as each of the three says it
	Hanging Mood = "hanging" // it takes the question, and says nothing
	Half    Mood = "half"    // its answers break off
	Torn    Mood = "torn"    // it has the first page of each list only
)

// Moods are all of them.
var Moods = []Mood{Well, Empty, Down, Denied, Limited, Hanging, Half, Torn}

// A Forge is a server. All of its methods may be called at any time.
type Forge struct {
	// URL is what generators call api.
	URL string

	token, secret string
	page          int // how many it lists at once
	server        *httptest.Server
	end           chan struct{}
	turning       sync.Mutex // is held while turned is called

	mu     sync.Mutex // guards all below
	repos  []*Repository
	mood   Mood
	asked  int
	same   int // answers that were not sent: see Unchanged
	events int
	added  int            // repositories, ever
	turned func(page int) // see Turned
}

// Start starts a forge without repositories, which wants to be shown a token, and signs
// what it announces with a secret. It lists one thing at a time, so that whatever is
// asked has pages.
func Start(token, secret string) *Forge {
	f := &Forge{token: token, secret: secret, page: 1, mood: Well, end: make(chan struct{})}
	f.server = httptest.NewServer(f.routes())
	f.URL = f.server.URL
	return f
}

// Close ends it.
func (f *Forge) Close() {
	close(f.end)
	f.server.Close()
}

// Add adds a repository.
func (f *Forge) Add(r Repository) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.added++
	r.id = 39 + f.added
	f.repos = append(f.repos, &r)
}

// Is sets how it answers from now on.
func (f *Forge) Is(mood Mood) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mood = mood
}

// Turned has a function called whenever a page of a list was read, before that is sent:
// what it changes is so on the next page. Nil ends that.
func (f *Forge) Turned(turned func(page int)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turned = turned
}

// Remove removes a repository.
func (f *Forge) Remove(owner, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.repos = slices.DeleteFunc(f.repos, func(r *Repository) bool { return r.Owner == owner && r.Name == name })
}

// Asked returns how many questions there were.
func (f *Forge) Asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// Unchanged returns how many answers it did not send, for who asked had them already.
func (f *Forge) Unchanged() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.same
}

// at returns a copy of a repository.
func (f *Forge) at(is func(*Repository) bool) (Repository, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.repos, is)
	if i < 0 {
		return Repository{}, false
	}
	r := *f.repos[i]
	r.pulls = slices.Clone(r.pulls)
	return r, true
}

// of are the copies of an owner's repositories.
func (f *Forge) of(owner string) (all []Repository) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.repos {
		if r.Owner == owner {
			all = append(all, *r)
		}
	}
	return all
}

// Open opens a pull request into a repository's default branch, and returns how that is
// announced.
func (f *Forge) Open(owner, name string, p Pull) ([]Hook, error) {
	return f.change(owner, name, opened, p.Number, func(r *Repository) error {
		p.Target = r.Default
		r.pulls = append(r.pulls, p)
		return nil
	})
}

// Pushed says that there is a new commit on the branch of an open pull request.
func (f *Forge) Pushed(owner, name string, number int) ([]Hook, error) {
	return f.change(owner, name, pushed, number, func(*Repository) error { return nil })
}

// Label gives a pull request labels, in place of those that it has.
func (f *Forge) Label(owner, name string, number int, labels ...string) ([]Hook, error) {
	return f.change(owner, name, labelled, number, func(r *Repository) error {
		i := r.pull(number)
		if i < 0 {
			return fmt.Errorf("there is no pull request %d", number)
		}
		r.pulls[i].Labels = labels
		return nil
	})
}

// End closes a pull request.
func (f *Forge) End(owner, name string, number int) ([]Hook, error) {
	return f.change(owner, name, closed, number, func(r *Repository) error {
		r.pulls = slices.DeleteFunc(r.pulls, func(p Pull) bool { return p.Number == number })
		return nil
	})
}

func (r *Repository) pull(number int) int {
	return slices.IndexFunc(r.pulls, func(p Pull) bool { return p.Number == number })
}

// change makes a change, and says how it is announced.
func (f *Forge) change(owner, name string, e event, number int, do func(*Repository) error) ([]Hook, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.repos, func(r *Repository) bool { return r.Owner == owner && r.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no repository %s/%s", owner, name)
	}
	if err := do(f.repos[i]); err != nil {
		return nil, err
	}
	f.events++
	return f.pullHooks(f.repos[i], e, number)
}

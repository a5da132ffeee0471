package sets

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/agent/git"
)

// A slowForge has a pull request for each repository, named like it. It takes questions,
// and answers once it is told to go.
type slowForge struct {
	*httptest.Server
	asked chan struct{}
	goOn  chan struct{}
}

func newSlowForge(t *testing.T) *slowForge {
	t.Helper()
	f := &slowForge{asked: make(chan struct{}, 1000), goOn: make(chan struct{})}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked <- struct{}{}
		select {
		case <-f.goOn:
		case <-r.Context().Done():
		}
		name := strings.Split(r.URL.Path, "/")[5]
		fmt.Fprintf(w, `[{"number": 1, "head": {"ref": %q, "sha": "abc"}, "base": {"ref": "main"}}]`, name)
	}))
	t.Cleanup(func() {
		_ = f.Config.Close() // some connections were never used
		f.Close()
	})
	return f
}

// pullsOf is a set that makes an Application of the one pull request of a repository.
func pullsOf(name, address string) string {
	return strings.ReplaceAll(setOf(name, fmt.Sprintf("[{pullRequest: {gitea: {owner: o, repo: %s, api: %q}}}]", name, address), ""), ".name", ".branch")
}

// working has a world's controller work, with answers of real servers, until the test ends.
func (w *world) working(servers *forge.Forge) {
	w.t.Helper()
	w.Services = func(set *api.ApplicationSet) Services { return servers.For(set.Name, nil, nil) }
	w.Tell = func(*api.ApplicationSet, event.Event) {}
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	w.work(ctx, &g)
	w.t.Cleanup(func() {
		cancel()
		w.queue.ShutDown()
		_ = g.Wait()
	})
}

// TestHangingServer: sets that wait for a server keep none from being worked on that asks
// nobody, or another server, however many they are; and all come to their turn once it
// answers.
func TestHangingServer(t *testing.T) {
	w := newWorld(t)
	news := make(chan struct{}, 1)
	w.fails = func() (before, after error) {
		select {
		case news <- struct{}{}:
		default:
		}
		return nil, nil
	}
	hangs, well := newSlowForge(t), newSlowForge(t)
	close(well.goOn)
	servers := forge.New(forge.Options{Timeout: 10 * time.Minute})
	t.Cleanup(servers.Close)
	const many = 5 * (workers + askingOne)
	for i := range many {
		w.apply(pullsOf(fmt.Sprintf("hang-%02d", i), hangs.URL))
	}
	w.working(servers)
	for range askingOne {
		<-hangs.asked
	}
	w.apply(setOf("list", listOf("a", "b"), ""))
	w.apply(pullsOf("well", well.URL))
	w.await(news, "a b well")
	if n := len(hangs.asked); n > 0 {
		t.Errorf("the server that hangs has %d more questions than %d", n, askingOne)
	}
	close(hangs.goOn)
	names := []string{"a", "b", "well"}
	for i := range many {
		names = append(names, fmt.Sprintf("hang-%02d", i))
	}
	slices.Sort(names)
	w.await(news, strings.Join(names, " "))
}

// await waits until there are these Applications.
func (w *world) await(news <-chan struct{}, want string) {
	w.t.Helper()
	for w.names() != want {
		select {
		case <-news:
		case <-w.t.Context().Done():
			w.t.Fatalf("there are %s", w.names())
		}
	}
}

// A slowGit resolves nothing until it is told to go, and has no commit.
type slowGit struct {
	*world
	asked, goOn chan struct{}
}

func (g slowGit) Known(git.Repo, string) (git.Answer, bool) { return git.Answer{}, false }
func (g slowGit) Has(git.Repo, string) bool                 { return false }

func (g slowGit) Resolve(ctx context.Context, repo git.Repo, _ string) (string, error) {
	if strings.Contains(repo.URL, "well") {
		return strings.Repeat("a", 40), nil
	}
	g.asked <- struct{}{}
	select {
	case <-g.goOn:
	case <-ctx.Done():
	}
	return strings.Repeat("a", 40), ctx.Err()
}

// TestHangingGit is the same of Git servers.
func TestHangingGit(t *testing.T) {
	w := newWorld(t)
	news := make(chan struct{}, 1)
	w.fails = func() (before, after error) {
		select {
		case news <- struct{}{}:
		default:
		}
		return nil, nil
	}
	slow := slowGit{w, make(chan struct{}, 100), make(chan struct{})}
	w.Git = slow
	w.write("a.yaml", "name: a")
	of := func(name, url string) string {
		return setOf(name, fmt.Sprintf(`[{git: {repoURL: %q, revision: main, files: [{path: "*.yaml"}]}}]`, url), "")
	}
	for i := range 3 * workers {
		w.apply(strings.Replace(of(fmt.Sprintf("hang-%02d", i), "https://hangs.example.com/r.git"), "'{{ .name }}'}", fmt.Sprintf("'hang-%02d'}", i), 1))
	}
	w.working(nil)
	for range askingOne {
		<-slow.asked
	}
	w.apply(of("well", "https://well.example.com/r.git"))
	w.await(news, "a")
	close(slow.goOn)
	names := []string{"a"}
	for i := range 3 * workers {
		names = append(names, fmt.Sprintf("hang-%02d", i))
	}
	w.await(news, strings.Join(names, " "))
}

// TestPutOff: a set for which there is no place is told to nobody as failed, and nothing
// is done with it; if it takes long, its status says what it waits for.
func TestPutOff(t *testing.T) {
	w := newWorld(t)
	server := "git.example.com"
	for i := range askingOne {
		if err := w.outside.enter(in(fmt.Sprint("other-", i)), server, w.now); err != nil {
			t.Fatal(err)
		}
	}
	w.apply(pullsOf("apps", "https://"+server))
	w.mu.Lock()
	w.sets["apps"].Annotations = map[string]string{api.AnnotationApplicationSetRefresh: "true"}
	w.mu.Unlock()
	w.catchUp()
	w.must("apps")
	if took := w.took(); len(took) > 0 || w.asked > 0 {
		t.Errorf("it made requests: %v, and asked %d times", took, w.asked)
	}
	w.now = w.now.Add(patience)
	w.must("apps")
	w.must("apps")
	if got := w.condition("apps", api.ApplicationSetErrorOccurred); !strings.Contains(got, "True ApplicationGenerationFromParamsError: generator 0: spec.generators[0].pullRequest: git.example.com is not asked yet: other ApplicationSets wait for its answers, and this one has waited for its turn since 2026-11-26T12:00:00Z") {
		t.Errorf("it says %s", got)
	}
	if took := w.took(); took["patch-set"] != 1 || len(took) != 1 {
		t.Errorf("it made requests: %v", took)
	}
	w.mu.Lock()
	_, waits := w.sets["apps"].Annotations[api.AnnotationApplicationSetRefresh]
	w.mu.Unlock()
	if !waits {
		t.Error("whoever asked for a refresh is told that it was done")
	}
	w.wake(w.outside.leave(server))
	if w.queue.Len() == 0 {
		t.Error("a place is free, and nobody has it")
	}
	w.must("apps")
	w.are("one two")
	if got := w.condition("apps", api.ApplicationSetErrorOccurred); !strings.HasPrefix(got, "False ") {
		t.Errorf("it says %s", got)
	}
}

// TestOutside: places are given in turn, one to each that waits, and none is lost.
func TestOutside(t *testing.T) {
	o := outside{asking: map[string]int{}}
	now := time.Unix(0, 0)
	enter := func(set, server string) bool { return o.enter(in(set), server, now) == nil }
	next := func(set types.NamespacedName, ok bool) string {
		if !ok {
			return ""
		}
		return set.Name
	}
	for i := range askingOne {
		if !enter(fmt.Sprint(i), "a") {
			t.Fatal("there is no place")
		}
	}
	for _, set := range []string{"x", "y", "z", "x"} {
		if enter(set, "a") {
			t.Fatal("there are too many places")
		}
	}
	if !enter("b", "b") {
		t.Error("another server has no place")
	}
	if got := next(o.leave("b")); got != "" {
		t.Errorf("%s is to have a place at a server that it does not ask", got)
	}
	if first, second := next(o.leave("a")), next(o.leave("a")); first != "x" || second != "y" {
		t.Errorf("%s and %s are next", first, second)
	}
	if !enter("late", "a") || !enter("x", "a") || enter("y", "a") {
		t.Error("who is told has to be in time")
	}
	if got := next(o.leave("a")); got != "y" {
		t.Errorf("%s is next", got)
	}
	if got := next(o.forget(in("y"))); got != "z" {
		t.Errorf("%s has the place of one that has no use for it", got)
	}
	if got := next(o.forget(in("nobody"))); got != "" {
		t.Errorf("%s has nobody's place", got)
	}
	for i := range askingAll {
		enter(fmt.Sprint("all", i), fmt.Sprint("server", i))
	}
	if o.all != askingAll || enter("more", "new") {
		t.Errorf("%d ask at once", o.all)
	}
}

// TestPathsAreRemembered: what is in a repository is asked once, for as long as it counts
// which repositories there are.
func TestPathsAreRemembered(t *testing.T) {
	w := newWorld(t)
	asked := 0
	w.hasPath = func(context.Context, string) (bool, error) {
		asked++
		return true, nil
	}
	w.apply(strings.ReplaceAll(setOf("apps", `[{scmProvider: {requeueAfterSeconds: 60, github: {organization: o}, filters: [{pathsExist: [deploy]}]}}]`, ""), ".name", ".repository"))
	w.must("apps")
	w.must("apps")
	if asked != 2 {
		t.Errorf("two repositories were asked about %d times", asked)
	}
	w.now = w.now.Add(time.Minute)
	w.must("apps")
	if asked != 4 {
		t.Errorf("two repositories were asked about %d times, twice", asked)
	}
	w.are("one two")
}

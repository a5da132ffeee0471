package sets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/agent/git"
)

// A world is a controller, and what it works with: an API server that stores
// ApplicationSets, Applications in memory, and a repository that is a directory.
type world struct {
	*Controller
	t    testing.TB
	now  time.Time
	dir  string // the repository
	down error  // of the Git server, and of services
	// gitAsked is when the Git server was asked last, and resolved how often by a set.
	gitAsked time.Time
	resolved int
	// hasPath, if not nil, says what is in repositories.
	hasPath func(ctx context.Context, path string) (bool, error)
	// found are the branches of pull requests, the repositories, and what a plugin says.
	found []string

	mu       sync.Mutex // guards all below
	sets     map[string]*api.ApplicationSet
	apps     map[string]*api.Application
	version  int
	requests []string
	events   []string
	asked    int    // of services
	heard    func() // while they are asked; once
	// fails says, if not nil, what goes wrong with a request, before or after it is done.
	fails func() (before, after error)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), dir: t.TempDir(), found: []string{"one", "two"}, sets: map[string]*api.ApplicationSet{}, apps: map[string]*api.Application{}}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	client, err := agent.NewClient(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	w.Controller = New(Config{
		Namespace: "argocd", Client: client, Applications: w, Git: w,
		Repo:     func(url, _ string) git.Repo { return git.Repo{URL: url} },
		Verify:   func(context.Context, *api.Application, git.Repo, string, string) error { return nil },
		Clusters: func() ([]appset.Cluster, error) { return nil, nil },
		Services: func(*api.ApplicationSet) Services { return w },
		Fresh:    func(context.Context) func(*api.Application) bool { return func(*api.Application) bool { return true } },
		Tell:     func(_ *api.ApplicationSet, e event.Event) { w.events = append(w.events, e.Reason+": "+e.Message) },
		Log:      slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now },
	})
	return w
}

// apply stores a set, as the watch would tell of it.
func (w *world) apply(text string) {
	w.t.Helper()
	set := &api.ApplicationSet{}
	if err := yaml.UnmarshalStrict([]byte(text), set); err != nil {
		w.t.Fatal(err)
	}
	if set.Namespace == "" {
		set.Namespace = "argocd"
	}
	w.mu.Lock()
	if old := w.sets[set.Name]; old != nil {
		set.UID, set.Status = old.UID, old.Status
	} else {
		set.UID = types.UID("uid-" + set.Name)
	}
	set.ResourceVersion = w.next()
	w.sets[set.Name] = set
	w.mu.Unlock()
	if err := w.store.Add(set.DeepCopy()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) next() string {
	w.version++
	return strconv.Itoa(w.version)
}

// in names a set: of the agent's namespace, unless it says another one.
func in(name string) types.NamespacedName {
	if namespace, name, ok := strings.Cut(name, "/"); ok {
		return types.NamespacedName{Namespace: namespace, Name: name}
	}
	return types.NamespacedName{Namespace: "argocd", Name: name}
}

// look makes one pass.
func (w *world) look(name string) error {
	_, err := w.pass(w.t.Context(), in(name))
	return err
}

// must makes one pass, which does not fail.
func (w *world) must(name string) {
	w.t.Helper()
	if err := w.look(name); err != nil {
		w.t.Fatal(err)
	}
}

// took returns the requests since the last time, counted.
func (w *world) took() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := map[string]int{}
	for _, r := range w.requests {
		verb, _, _ := strings.Cut(r, " ")
		counts[verb]++
	}
	w.requests = nil
	return counts
}

// request notes one, and says whether it is to fail.
func (w *world) request(what string) (before, after error) {
	w.requests = append(w.requests, what)
	if w.fails == nil {
		return nil, nil
	}
	return w.fails()
}

// ServeHTTP is what the API server does with merge patches of ApplicationSets.
func (w *world) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	parts := strings.Split(strings.TrimPrefix(in.URL.Path, "/apis/argoproj.io/v1alpha1/namespaces/"), "/")[2:]
	listed, one := strings.CutPrefix(in.URL.Query().Get("fieldSelector"), "metadata.name=")
	if one {
		parts = []string{listed}
	}
	set := w.sets[parts[0]]
	verb := map[string]string{http.MethodPatch: "patch-set", http.MethodGet: "get-set"}[in.Method]
	before, after := w.request(verb + " " + strings.Join(parts, "/"))
	if before == nil && in.Method == http.MethodPatch {
		body, _ := io.ReadAll(in.Body)
		set, before = w.patchSet(set, body, len(parts) > 1)
	}
	if err := errors.Join(before, after); err != nil {
		var status apierrors.APIStatus
		errors.As(err, &status)
		reason := status.Status()
		reply(out, int(reason.Code), reason)
		return
	}
	if one {
		reply(out, http.StatusOK, listOfOne(set))
		return
	}
	reply(out, http.StatusOK, set)
}

// listOfOne is a listing of a set, or of none.
func listOfOne(set *api.ApplicationSet) *api.ApplicationSetList {
	list := &api.ApplicationSetList{TypeMeta: metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: "ApplicationSetList"}}
	if set != nil {
		list.Items = []api.ApplicationSet{*set}
	}
	return list
}

func reply(out http.ResponseWriter, code int, body any) {
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(code)
	_ = json.NewEncoder(out).Encode(body)
}

func (w *world) patchSet(set *api.ApplicationSet, patch []byte, status bool) (*api.ApplicationSet, error) {
	now := &api.ApplicationSet{}
	if err := patched(set, patch, now); err != nil {
		return nil, err
	}
	if now.ResourceVersion != set.ResourceVersion {
		return nil, apierrors.NewConflict(api.Resource("applicationsets"), set.Name, errors.New("stale"))
	}
	if status {
		now.Spec, now.ObjectMeta = set.Spec, set.ObjectMeta
	} else {
		now.Status = set.Status
	}
	now.ResourceVersion = w.next()
	now.APIVersion, now.Kind = api.GroupVersion.String(), api.ApplicationSetKind
	w.sets[set.Name] = now
	return now.DeepCopy(), nil
}

func patched(object any, patch []byte, into any) error {
	raw, err := json.Marshal(object)
	if err != nil {
		return err
	}
	if raw, err = jsonpatch.MergePatch(raw, patch); err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// Wait, List, Application, Create, Change, Remove and Project make it Applications.
func (w *world) Wait(context.Context) error { return nil }

func (w *world) List() []*api.Application {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Values(w.apps))
}

func (w *world) Application(_, name string) *api.Application {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.apps[name]
}

func (w *world) Create(_ context.Context, app *api.Application) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, after := w.request("create " + app.Name)
	if before == nil && w.apps[app.Name] != nil {
		before = apierrors.NewAlreadyExists(api.Resource("applications"), app.Name)
	}
	if before == nil {
		w.put(app.DeepCopy())
	}
	return errors.Join(before, after)
}

// put stores an Application as it is then.
func (w *world) put(app *api.Application) {
	app.ResourceVersion, app.UID = w.next(), types.UID("uid-"+app.Name)
	w.apps[app.Name] = app
}

func (w *world) Change(_ context.Context, _, name string, patch []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, after := w.request("patch " + name)
	app := w.apps[name]
	switch {
	case before != nil:
	case app == nil:
		before = apierrors.NewNotFound(api.Resource("applications"), name)
	default:
		now := &api.Application{}
		if err := patched(app, patch, now); err != nil {
			return err
		}
		if before = nil; now.ResourceVersion != app.ResourceVersion {
			return apierrors.NewConflict(api.Resource("applications"), name, errors.New("stale"))
		}
		w.put(now)
	}
	return errors.Join(before, after)
}

func (w *world) Remove(_ context.Context, app *api.Application) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, after := w.request("delete " + app.Name)
	if before == nil {
		delete(w.apps, app.Name)
	}
	return errors.Join(before, after)
}

func (w *world) Project(name string) (*api.AppProject, error) {
	if name == "none" {
		return nil, agent.ErrProject
	}
	return &api.AppProject{}, nil
}

// Known, Resolve and Tree make it Commits.
func (w *world) Known(git.Repo, string) (git.Answer, bool) {
	if w.gitAsked.IsZero() {
		w.gitAsked = w.now
	}
	return git.Answer{SHA: strings.Repeat("a", 40), At: w.gitAsked, Err: w.down}, true
}

// Has says that no commit need be fetched.
func (w *world) Has(git.Repo, string) bool { return true }

func (w *world) Resolve(context.Context, git.Repo, string) (string, error) {
	w.gitAsked, w.resolved = w.now, w.resolved+1
	return strings.Repeat("a", 40), w.down
}

func (w *world) Tree(context.Context, git.Repo, string) (*git.Tree, error) {
	return git.Dir(w.dir)
}

// PullRequests, Repositories and Plugin make it Services.
func (w *world) PullRequests(context.Context, *api.PullRequestGenerator) (all []appset.PullRequest, err error) {
	w.asked++
	if heard := w.heard; heard != nil {
		w.heard = nil
		heard()
	}
	for i, name := range w.found {
		all = append(all, appset.PullRequest{Number: int64(i) + 1, Branch: name, HeadSHA: strings.Repeat("b", 40)})
	}
	return all, w.down
}

func (w *world) Repositories(context.Context, *api.SCMProviderGenerator) (all []appset.Repository, err error) {
	for _, name := range w.found {
		all = append(all, appset.Repository{Organization: "o", Repository: name, Branch: "main", HasPath: w.hasPath})
	}
	return all, w.down
}

// Plugin answers the one that it has.
func (w *world) Plugin(_ context.Context, g *api.PluginGenerator) (all []map[string]any, err error) {
	if g.ConfigMapRef.Name != "p" {
		return nil, errors.New("nobody asks")
	}
	for _, name := range w.found {
		all = append(all, map[string]any{"name": name})
	}
	return all, w.down
}

// names are those of the live Applications.
func (w *world) names() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(w.apps)), " ")
}

// condition is what a set says of one type, as "True Reason: message".
func (w *world) condition(name string, kind api.ApplicationSetConditionType) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.sets[name].Status.Conditions {
		if c.Type == kind {
			return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
		}
	}
	return ""
}

// faulty makes requests fail as seeded: some before they are done, some after.
func faulty(seed uint64) func() (before, after error) {
	random := rand.New(rand.NewPCG(seed, 1))
	return func() (before, after error) {
		fault := func() error {
			switch random.IntN(4) {
			case 0:
				return apierrors.NewConflict(api.Resource("x"), "x", errors.New("injected"))
			case 1:
				return apierrors.NewTooManyRequests("injected", 1)
			}
			return apierrors.NewTimeoutError("injected", 1)
		}
		switch random.IntN(6) {
		case 0:
			return fault(), nil
		case 1:
			return nil, fault()
		}
		return nil, nil
	}
}

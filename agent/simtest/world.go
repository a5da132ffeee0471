package simtest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// A world is a cluster, a repository and the engine, in virtual time: it lives
// in a bubble of testing/synctest.
type world struct {
	ctx    context.Context
	seed   uint64
	story  *story
	log    *slog.Logger
	server *kube.Server
	git    *repo
	faulty func(r *http.Request, roll uint64) fault // of all lives
	// latency is how long a request takes, nil if the seed says.
	latency func(name string) time.Duration
	also    func(kube.Change) // is told of every write, too

	watchman *watchman

	mu       sync.Mutex // guards all below
	lives    []*life
	replicas []*replica      // that take part now
	asking   map[string]bool // operations asked for, and whether another took the place
	requests int             // of the engine, but for watches
	quiet    bool            // no more faults
	closing  bool            // no more lives
	failures []string
}

// newWorld returns a world without an engine: see boot. Slack is how far behind
// the engine's picture of the cluster may be.
func newWorld(ctx context.Context, seed uint64, options kube.Options, slack time.Duration) *world {
	w := &world{ctx: ctx, seed: seed, story: newStory(), git: newRepo(), asking: map[string]bool{}}
	w.watchman = newWatchman(w, slack)
	options.Changed = func(c kube.Change) {
		w.watchman.changed(c)
		if w.also != nil {
			w.also(c)
		}
	}
	w.log = slog.New(&logger{story: w.story})
	if options.Delay == nil {
		options.Delay = func(step string, o *kube.Object) time.Duration {
			return 100*time.Millisecond + time.Duration(hash(seed, step, o.Name, o.Version)%uint64(2*time.Second))
		}
	}
	w.server = kube.New(options)
	for _, name := range []string{agentNamespace, "shop"} {
		w.must(http.MethodPost, "/api/v1/namespaces", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}})
	}
	return w
}

// boot starts the engine, after the death of the one before.
func (w *world) boot(dies func(n int) (now, effect bool)) *life { return w.bootAs(nil, dies) }

// bootAs starts the engine as one of several replicas.
func (w *world) bootAs(r *replica, dies func(n int) (now, effect bool)) *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.story.tell("world", "the engine starts")
	l := start(w.ctx, &wire{
		server: w.server, story: w.story, seed: hash(w.seed, "life", len(w.lives)), count: map[string]int{}, dies: dies,
		faulty: func(r *http.Request, roll uint64) fault {
			if w.faulty == nil || w.isCalm() {
				return none
			}
			return w.faulty(r, roll)
		},
		sent: w.count, latency: w.latency,
	}, w.git, w.log, r)
	w.lives = append(w.lives, l)
	return l
}

func (w *world) count(r *http.Request) {
	if r.URL.Query().Get("watch") == "" && !strings.Contains(r.URL.Path, "/leases") {
		w.mu.Lock()
		w.requests++
		w.mu.Unlock()
	}
}

// end ends all that runs, so that the bubble can end.
func (w *world) end() {
	w.mu.Lock()
	w.closing = true
	lives := w.lives
	w.mu.Unlock()
	for _, l := range lives {
		l.kill()
	}
	w.server.End()
	for _, l := range lives {
		<-l.ended
	}
}

// current is the life that is now, nil before the first.
func (w *world) current() *life {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lives) == 0 {
		return nil
	}
	return w.lives[len(w.lives)-1]
}

// alive are the lives that are now: all replicas', or the one there is.
func (w *world) alive() (alive []*life) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lives {
		select {
		case <-l.ended:
		default:
			alive = append(alive, l)
		}
	}
	return alive
}

// calm ends all faults.
func (w *world) calm() {
	w.story.tell("world", "no more faults")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quiet = true
}

func (w *world) isCalm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.quiet
}

func (w *world) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closing
}

// sent is how many requests the engine has made, but for watches.
func (w *world) sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests
}

// request notes that an operation was asked for; replaced, that its request gave
// way to another.
func (w *world) request(note string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asking[note] = false
}

func (w *world) replaced(note string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asking[note] = true
}

func (w *world) asked() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.asking)
}

// fail notes that a property does not hold.
func (w *world) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.story.tell("FAILURE", "%s", text)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, text)
}

// do makes a request as somebody who is not the engine.
func (w *world) do(who, method, path, format string, body any) (map[string]any, int) {
	var raw []byte
	if text, ok := body.(string); ok {
		raw = []byte(text)
	} else if body != nil {
		var err error
		raw, err = utiljson.Marshal(body)
		must(err)
	}
	r, err := http.NewRequestWithContext(w.ctx, method, "http://simtest"+path, strings.NewReader(string(raw)))
	must(err)
	r.Header.Set("User-Agent", who)
	r.Header.Set("Content-Type", format)
	answer, err := w.server.RoundTrip(r)
	must(err) // it has no network to fail
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	must(err)
	var out map[string]any
	must(utiljson.Unmarshal(text, &out))
	w.story.tell(who, "%s %s %s: %d", method, path, clip(string(raw)), answer.StatusCode)
	return out, answer.StatusCode
}

// must is do, in preparation, when nothing may go wrong.
func (w *world) must(method, path string, body any) {
	format := "application/json"
	if method == http.MethodPatch {
		format = string(types.MergePatchType)
	}
	if out, code := w.do("world", method, path, format, body); code >= 300 {
		must(fmt.Errorf("%s %s: %d %v", method, path, code, out["message"]))
	}
}

func clip(text string) string {
	if len(text) > 300 {
		return text[:300] + "..."
	}
	return text
}

// commit changes what Git states, and tells the engine after a while.
func (w *world) commit(dir, yaml string, news time.Duration) string {
	revision, err := w.git.commit(dir, yaml)
	must(err)
	w.story.tell("git", "commit %.7s to %s:\n%s", revision, dir, yaml)
	time.AfterFunc(news, func() {
		for _, l := range w.alive() {
			l.moved()
		}
	})
	return revision
}

// application makes an Application of a directory.
func (w *world) application(name string, edit func(*api.Application)) {
	app := &api.Application{
		TypeMeta:   metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: "Application"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: agentNamespace},
		Spec: api.ApplicationSpec{
			Project: "default", Source: &api.Source{RepoURL: repoURL, Path: name, TargetRevision: "HEAD"},
			Destination: api.Destination{Server: api.InClusterServer, Namespace: "shop"},
		},
	}
	edit(app)
	w.must(http.MethodPost, "/apis/argoproj.io/v1alpha1/namespaces/"+agentNamespace+"/applications", app)
}

// app reads an Application as it is stored; nil if it is not there.
func (w *world) app(name string) *api.Application {
	return asApplication(w.server.Get("argoproj.io", "applications", agentNamespace, name))
}

// asApplication reads an Application, but for the list of its objects, which is
// long and which nobody here asks for.
func asApplication(o *kube.Object) *api.Application {
	if o == nil {
		return nil
	}
	return o.Read(func() any {
		body, app := maps.Clone(o.Body), &api.Application{}
		if status, _ := body["status"].(map[string]any); status != nil {
			status = maps.Clone(status)
			delete(status, "resources")
			body["status"] = status
		}
		must(runtime.DefaultUnstructuredConverter.FromUnstructured(body, app)) // nobody here writes what is none
		return app
	}).(*api.Application)
}

// find returns an object by its key as text, or nil.
func (w *world) find(key string) *kube.Object {
	for _, o := range w.server.All() {
		if keyOf(o).String() == key {
			return o
		}
	}
	return nil
}

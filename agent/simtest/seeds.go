package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A run is one seed's world, and what happens in it.
type run struct {
	*world
	*rand.Rand
	apps    []string
	writers map[string]*writer
	troubled
}

// troubled says for how long things go wrong, and how often.
type troubled struct {
	until  time.Duration
	rate   uint64 // of faults in a thousand requests
	deadly bool   // processes die at a request
	notes  int    // operations that somebody has asked for
}

// simulate lives through a seed. It returns the world at its end, with what went
// wrong in it.
func simulate(ctx context.Context, seed uint64) *world {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := newRun(ctx, seed)
	defer r.end()
	r.commits(0)
	r.supervise()
	r.schedule()
	r.pass(r.until)
	r.calm()
	r.repair()
	r.settles()
	return r.world
}

func newRun(ctx context.Context, seed uint64) *run {
	random := rand.New(rand.NewPCG(seed, 20))
	r := &run{Rand: random, writers: map[string]*writer{}}
	r.until = time.Duration(30+random.IntN(60)) * time.Second
	r.rate = pick(random, uint64(0), 20, 100, 200)
	r.deadly = random.IntN(3) == 0
	lag := pick(random, 5*time.Millisecond, 50*time.Millisecond, 3*time.Second)
	speed := pick(random, time.Second, 4*time.Second, 20*time.Second)
	firsts := &firsts{seen: map[string]bool{}}
	options := kube.Options{
		Delay: func(step string, o *kube.Object) time.Duration {
			most := speed
			if step == "establish" || step == "serve" { // which the engine waits for, and asks
				most = min(speed, 4*time.Second)
			}
			return 50*time.Millisecond + time.Duration(hash(seed, step, o.Name, o.Version)%uint64(most)) //nolint:gosec // seconds
		},
		Lag: func(o *kube.Object) time.Duration {
			return time.Duration(hash(seed, "lag", o.Name, o.Version) % uint64(lag)) //nolint:gosec // seconds
		},
		Fate:      firsts.fate,
		Bookmarks: 5 * time.Minute,
		Pages:     random.IntN(6) == 0,
	}
	// A watch that hears nothing more ends in its own time, ten minutes at most.
	r.world = newWorld(ctx, seed, options, 15*time.Minute)
	r.faulty = r.fault
	r.apps = []string{"shop"}
	if random.IntN(8) == 0 {
		r.apps = append(r.apps, "blog")
	}
	for _, name := range r.apps {
		r.writers[name] = &writer{Rand: random, dir: name, kept: map[string]bool{}}
		r.application(name, r.policy)
	}
	return r
}

// firsts are the Jobs that were seen to end.
type firsts struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (f *firsts) fate(o *kube.Object) kube.Fate {
	fate := fateOf(o)
	if fate != "once" {
		return kube.Fate(fate)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen[o.Name] {
		return kube.Succeeds
	}
	f.seen[o.Name] = true
	return kube.Fails
}

// policy writes an Application's spec.
func (r *run) policy(app *api.Application) {
	is := func(percent int) *bool { b := r.IntN(100) < percent; return &b }
	app.Annotations = map[string]string{api.AnnotationHookTimeout: "2m", api.AnnotationSyncTimeout: "2m"}
	policy := &api.SyncPolicy{Automated: &api.Automated{Enabled: is(80), Prune: is(80), SelfHeal: is(80)}}
	if r.IntN(2) == 0 {
		policy.Retry = &api.Retry{Limit: int64(r.IntN(4)), Refresh: r.IntN(4) == 0}
	}
	for _, option := range []string{api.SyncOptionPruneLast, api.SyncOptionCreateNamespace, "PrunePropagationPolicy=background"} {
		if r.IntN(5) == 0 {
			policy.SyncOptions = append(policy.SyncOptions, option)
		}
	}
	if r.IntN(6) == 0 {
		app.Annotations[api.AnnotationWait] = "true"
	}
	if r.IntN(6) == 0 {
		app.Spec.Destination.Namespace = "fresh" // which nobody has made
		policy.SyncOptions = append(policy.SyncOptions, api.SyncOptionCreateNamespace)
	}
	app.Spec.SyncPolicy = policy
}

// fault decides on a request of the engine.
func (r *run) fault(request *http.Request, roll uint64) fault {
	if roll%1000 >= r.rate {
		return none
	}
	kinds := []fault{conflict, busy, broken, away, reset, deaf, late, slow}
	if request.Method == http.MethodGet || request.Method == http.MethodPost {
		kinds = kinds[1:]
	}
	if request.URL.Query().Get("watch") != "" {
		kinds = []fault{busy, broken, away, reset}
	}
	return kinds[roll/1000%uint64(len(kinds))]
}

// supervise starts the engine, and starts it again when it dies.
func (r *run) supervise() {
	go func() {
		for n := 0; r.ctx.Err() == nil && !r.over(); n++ {
			l := r.boot(r.death(n))
			select {
			case <-l.ended:
			case <-r.ctx.Done():
			}
			_ = pause(r.ctx, time.Duration(1+hash(r.seed, "restart", n)%5)*time.Second)
		}
	}()
}

// death plans the death of the n-th life.
func (r *run) death(n int) func(int) (now, effect bool) {
	if !r.deadly || n > 6 {
		return nil
	}
	h := hash(r.seed, "death", n)
	at := 1 + int(h%120)
	return func(total int) (bool, bool) { return !r.isCalm() && total == at, h>>20%2 == 0 }
}

// commits states something else for each Application.
func (r *run) commits(news time.Duration) {
	for _, name := range r.apps {
		r.commit(name, r.writers[name].write(false), news)
	}
}

// schedule plans what others do meanwhile.
func (r *run) schedule() {
	for range 1 + r.IntN(3) {
		at := time.Duration(r.IntN(int(r.until/time.Millisecond))) * time.Millisecond
		if act := r.act(); act != nil {
			time.AfterFunc(at, act)
		}
	}
}

// pass lets time go by.
func (r *run) pass(d time.Duration) { _ = pause(r.ctx, d) }

// repair makes everything well that nobody but a person can: the last commits are
// good, the Applications sync by themselves, and what others put in the way goes.
func (r *run) repair() {
	for _, name := range r.apps {
		r.commit(name, r.writers[name].write(true), time.Second)
		path := "/apis/argoproj.io/v1alpha1/namespaces/" + agentNamespace + "/applications/" + name
		r.do("kubectl", http.MethodPatch, path, mergePatch, `{"spec":{"syncPolicy":{"automated":{"enabled":true,"prune":true,"selfHeal":true}}}}`)
	}
	for _, o := range r.server.All() {
		if annotation(o, alien) != "" {
			r.do("kubectl", http.MethodDelete, pathOf(o), "", nil)
		}
	}
}

// settles waits until all is as Git says, and then that nothing happens any more.
func (r *run) settles() {
	left := ""
	for range 720 { // two hours
		r.pass(10 * time.Second)
		left = ""
		for _, name := range r.apps {
			left += r.converged(name)
		}
		if left == "" {
			break
		}
	}
	if left != "" {
		r.fail("two hours after the last fault: %s", left)
		return
	}
	r.pass(11 * time.Minute)
	before := r.sent()
	r.story.tell("world", "it should be quiet now")
	r.pass(9 * time.Minute)
	if n := r.sent() - before; n > 0 {
		r.fail("a steady cluster costs %d requests", n)
	}
	for _, name := range r.apps {
		if left := r.converged(name); left != "" {
			r.fail("it does not last: %s", left)
		}
	}
	r.answered()
}

// answered checks that every operation that was asked for has begun, unless
// another request took its place.
func (r *run) answered() {
	for note, replaced := range r.asked() {
		if !replaced && r.watchman.begun[note] == 0 {
			r.fail("operation %q has never begun", note)
		}
	}
}

// command is how to live through a seed again.
func command(seed uint64) string {
	return fmt.Sprintf("go test ./agent/simtest -run 'TestSeeds$' -seed %d -v", seed)
}

// commandOfReplicas is likewise, with several replicas.
func commandOfReplicas(seed uint64) string {
	return fmt.Sprintf("go test ./agent/simtest -run 'TestReplicatedSeeds$' -replicated %d -v", seed)
}

// fateOf reads what a manifest says of its object's end.
func fateOf(o *kube.Object) string {
	if fate := annotation(o, fateAnnotation); fate != "" {
		return fate
	}
	fate, _, _ := unstructured.NestedString(o.Body, "spec", "template", "metadata", "annotations", fateAnnotation)
	return fate
}

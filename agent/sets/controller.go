package sets

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/secrets/crash"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
)

// Applications are the live ones; agent.Applications are.
type Applications interface {
	// Wait returns when all that there are are known.
	Wait(ctx context.Context) error
	// List returns all, which must not be changed.
	List() []*api.Application
	// Application returns what is known of one, or nil.
	Application(namespace, name string) *api.Application
	// Create stores one that is not there.
	Create(ctx context.Context, app *api.Application) error
	// Change sends a JSON merge patch to one.
	Change(ctx context.Context, namespace, name string, patch []byte) error
	// Remove asks for the end of one. It is no error if it is gone.
	Remove(ctx context.Context, app *api.Application) error
	// Project returns an AppProject.
	Project(name string) (*api.AppProject, error)
}

// Commits finds commits and their files; git.Store does.
type Commits interface {
	Known(repo git.Repo, revision string) (git.Answer, bool)
	Has(repo git.Repo, sha string) bool
	Resolve(ctx context.Context, repo git.Repo, revision string) (string, error)
	Tree(ctx context.Context, repo git.Repo, sha string) (*git.Tree, error)
}

// Services answer what is neither in Git nor in the cluster, for one set. What an answer
// is, and when it is an error, says appset.Sources.
type Services interface {
	PullRequests(ctx context.Context, g *api.PullRequestGenerator) ([]appset.PullRequest, error)
	Repositories(ctx context.Context, g *api.SCMProviderGenerator) ([]appset.Repository, error)
	Plugin(ctx context.Context, g *api.PluginGenerator) ([]map[string]any, error)
}

// Config is what a Controller needs.
type Config struct {
	// Namespace is the agent's own, and Elsewhere are others with sets: Follow sets them
	// anew.
	Namespace    string
	Elsewhere    project.Namespaces
	Client       rest.Interface
	Applications Applications
	Git          Commits
	// Repo returns a repository with the credentials that a project may use.
	Repo func(url, project string) git.Repo
	// Verify proves that a commit is signed as a project demands.
	Verify func(ctx context.Context, app *api.Application, repo git.Repo, revision, sha string) error
	// Clusters returns those that have a Secret. Its error is that they are not known.
	Clusters func() ([]appset.Cluster, error)
	// Services answer generators for pull requests, repositories and plugins; nil if
	// nobody does.
	Services func(set *api.ApplicationSet) Services
	// Mine says whether this process is the one that works on a set, or on an Application;
	// nil if it works on all. Who makes it say otherwise interrupts what is Running and
	// calls Release, or CatchUp and Gained.
	Mine func(types.NamespacedName) bool
	// Running are the passes that are made; nil if nobody wants to know.
	Running *shard.Running
	// Fresh returns what says whether the status of an Application is about the newest
	// commits that are known, as of now.
	Fresh func(ctx context.Context) func(app *api.Application) bool
	// Tell has an Event written about a set.
	Tell func(set *api.ApplicationSet, e event.Event)
	// Followed says whether the Applications of a namespace are looked at; nil if all are.
	Followed func(namespace string) bool
	// Permit asks a project whether the sets of another namespace than the agent's may
	// have its Applications, and read a repository by its credentials, if one is named.
	// Without it there are none.
	Permit func(projectName, namespace, repoURL string) error
	// Rivals are others that may keep the Applications of sets.
	Rivals Rivals
	// Shadow, if not nil, is told what a pass would do, in place of its being done, or
	// why that is not known.
	Shadow func(set *api.ApplicationSet, plan appset.Plan, err error)
	// Passed, if not nil, is told how long a pass took, and whether the set is gone.
	Passed func(set types.NamespacedName, took time.Duration, gone bool)
	Log    *slog.Logger
	Now    func() time.Time
	// NewFileGlobbing reads paths of files as `--enable-new-git-file-globbing` of Argo
	// CD does.
	NewFileGlobbing bool
	// Rules are those at the start.
	Rules Rules
}

const (
	// workers is how many sets are worked on at once, but for those that wait for what
	// others answer.
	workers = 4
	// passTimeout ends a pass that hangs.
	passTimeout = 10 * time.Minute
	// overdue is how much longer one may take before it hangs for good.
	overdue = time.Minute
	// refresh is how often a set is looked at without a reason, as Argo CD does: what
	// its revisions stand for stays watched by that.
	refresh = 3 * time.Minute
)

// A Controller makes a pass over an ApplicationSet whenever there is a reason to.
type Controller struct {
	Config
	store    *store
	queue    workqueue.TypedRateLimitingInterface[types.NamespacedName]
	globbing atomic.Bool // see Glob
	rules    atomic.Pointer[Rules]
	seats    chan struct{} // one for each pass that works
	outside  outside

	mu      sync.Mutex                         // guards all below
	reads   map[types.NamespacedName][]address // what each set has read, when it was last looked at
	answers map[types.NamespacedName]*answers  // of services
	told    map[types.NamespacedName]string    // what was last said of each set by an Event
	stale   map[types.NamespacedName]bool      // sets that wait for looks at their Applications

	renewals int                                // see Renew
	since    map[types.NamespacedName]time.Time // when passes began that run
}

// An address is a repository that a set reads.
type address string

// New returns a Controller that has seen nothing yet.
func New(config Config) *Controller {
	c := untold(config)
	c.queue = workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](200*time.Millisecond, 2*time.Minute))
	if c.Running == nil {
		c.Running = &shard.Running{}
	}
	c.store = newStore(config.Client, config.Namespace, config.Elsewhere, c.queue.Add)
	return c
}

// untold returns a Controller that is told of nothing: it has neither a queue nor a store.
func untold(config Config) *Controller {
	c := &Controller{
		Config: config, reads: map[types.NamespacedName][]address{}, answers: map[types.NamespacedName]*answers{},
		seats: make(chan struct{}, workers), outside: outside{asking: map[string]int{}},
		told: map[types.NamespacedName]string{}, stale: map[types.NamespacedName]bool{}, since: map[types.NamespacedName]time.Time{},
	}
	c.globbing.Store(config.NewFileGlobbing)
	c.rules.Store(&config.Rules)
	return c
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		c.store.run(ctx)
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		c.queue.ShutDown()
		return nil
	})
	if c.Applications.Wait(ctx) != nil || c.store.wait(ctx) != nil {
		return g.Wait() // told to end before the first listing
	}
	c.work(ctx, g)
	return g.Wait()
}

// work makes passes until the queue is shut down.
func (c *Controller) work(ctx context.Context, g *errgroup.Group) {
	for range workers + askingAll {
		g.Go(func() error {
			for c.next(ctx) {
			}
			return nil
		})
	}
}

func (c *Controller) next(ctx context.Context) bool {
	name, closed := c.queue.Get()
	if closed {
		return false
	}
	defer c.queue.Done(name)
	if ctx.Err() != nil {
		return true // what waits is the next process's
	}
	defer c.busy(name)()
	ctx, end := c.Running.Begin(ctx, name)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	var again time.Duration
	begun := time.Now()
	err := crash.Guard("pass", func() (err error) {
		again, err = c.pass(ctx, name)
		return err
	})
	if c.Passed != nil {
		c.Passed(name, time.Since(begun), c.store.get(name) == nil)
	}
	if err != nil {
		if ctx.Err() == nil {
			c.Log.Warn("pass over an ApplicationSet", "applicationset", name, "error", err)
		}
		c.queue.AddRateLimited(name)
		return true
	}
	c.queue.Forget(name)
	if c.store.get(name) != nil {
		c.queue.AddAfter(name, again)
	}
	return true
}

// busy notes that a pass begins, and returns what is to be called at its end.
func (c *Controller) busy(set types.NamespacedName) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since[set] = c.Now()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.since, set)
	}
}

// Hanging returns how many passes have not ended though they were told to, long ago.
// Nothing but a restart ends them.
func (c *Controller) Hanging() int {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, since := range c.since {
		if now.Sub(since) > passTimeout+overdue {
			n++
		}
	}
	return n
}

// Follow has the sets of other namespaces followed from now on, beside those of the
// agent's own. Those of others are known no more; their Applications stay.
func (c *Controller) Follow(elsewhere project.Namespaces) { c.store.follow(elsewhere) }

// Glob has NewFileGlobbing be so from now on.
func (c *Controller) Glob(newFileGlobbing bool) {
	if c.globbing.Swap(newFileGlobbing) != newFileGlobbing {
		c.All()
	}
}

// Moved asks for a pass over the sets that read a repository.
func (c *Controller) Moved(repoURL string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, reads := range c.reads {
		if slices.ContainsFunc(reads, func(a address) bool { return git.SameRepo(string(a), repoURL) }) {
			c.queue.Add(name)
		}
	}
}

// reading notes that a set reads a repository, beside what it has read before.
func (c *Controller) reading(set types.NamespacedName, repo address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.reads[set], repo) {
		c.reads[set] = append(slices.Clip(c.reads[set]), repo)
	}
}

// List returns all sets, which must not be changed.
func (c *Controller) List() []*api.ApplicationSet { return c.store.list() }

// All asks for a pass over every set.
func (c *Controller) All() {
	for _, set := range c.store.list() {
		c.queue.Add(nameOf(set))
	}
}

const (
	// settle is how long a change of an Application rests before a pass over its set,
	// and settleEach how much longer for each one that the set has: changes come in
	// bursts, and a status that lists many is not written for each.
	settle     = 100 * time.Millisecond
	settleEach = 2 * time.Millisecond
)

// Application asks for a pass over the set of an Application that is new, has changed or
// is gone.
func (c *Controller) Application(app *api.Application) {
	owner := metav1.GetControllerOfNoCopy(app)
	if owner == nil || owner.Kind != api.ApplicationSetKind {
		return
	}
	name := types.NamespacedName{Namespace: app.Namespace, Name: owner.Name}
	if set := c.store.get(name); set != nil && set.UID == owner.UID {
		c.queue.AddAfter(name, settle+settleEach*time.Duration(set.Status.ResourcesCount))
	}
}

// Looked says that a pass was made over an Application, whether or not it has changed.
func (c *Controller) Looked(name types.NamespacedName) {
	c.mu.Lock()
	waits := len(c.stale) > 0
	c.mu.Unlock()
	if !waits {
		return
	}
	app := c.Applications.Application(name.Namespace, name.Name)
	if app == nil {
		return
	}
	if owner := metav1.GetControllerOfNoCopy(app); owner != nil && c.waitsForLooks(types.NamespacedName{Namespace: app.Namespace, Name: owner.Name}) {
		c.Application(app)
	}
}

func (c *Controller) waitForLooks(set types.NamespacedName, waits bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.stale, set); waits {
		c.stale[set] = true
	}
}

func (c *Controller) waitsForLooks(set types.NamespacedName) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stale[set]
}

// forget drops what is kept of a set that is gone.
func (c *Controller) forget(name types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.reads, name)
	delete(c.answers, name)
	delete(c.told, name)
	delete(c.stale, name)
	c.wake(c.outside.forget(name))
}

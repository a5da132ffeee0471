package destinations

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/traffic"
	"github.com/tidelock-io/tidelock/agent/values"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// A View is a cluster as the pipeline sees it.
type View struct {
	cluster.Objects
	controlled func(schema.GroupKind) bool
}

// Controlled tells whether the controller of a kind that is served is there, too.
func (v View) Controlled(gk schema.GroupKind) bool { return v.controlled(gk) }

// Own is the agent's own cluster, whose connection is not kept here.
type Own struct {
	Target
	Objects    cluster.Objects
	Controlled func(schema.GroupKind) bool
	Looker     *cluster.Looker
	// Config is how it is reached.
	Config *rest.Config
}

// Config is what Clusters need.
type Config struct {
	Own Own
	// Secrets are those of clusters, by name.
	Secrets func() []keyring.ClusterSecret
	// OwnDisabled says that nothing may be synced to the agent's own cluster.
	OwnDisabled func() bool
	// Wanted are the destinations of all Applications. What is not among them is let go.
	Wanted func() []api.Destination
	// Commands are the programs that a Secret may have run to log in.
	Commands []string
	// Timeout is how long a cluster may be silent before it is taken to be lost.
	Timeout   time.Duration
	UserAgent string
	Log       *slog.Logger

	// Changed gets an application whose live state has changed in a cluster, and whether
	// that is a drift. It must not block; neither must those below.
	Changed func(server, app string, drifted bool)
	// Wake asks for a pass over the Applications of a cluster; "" is all clusters.
	Wake func(server string)
	// Used gets an Application that uses a Secret that has changed.
	Used func(values.User)
	// Guard, if not nil, is put on how each cluster is reached, before all else.
	Guard func(*rest.Config) *rest.Config
	// Told, if not nil, is told of all requests to clusters.
	Told func(traffic.Request)
	// Measured, if not nil, is told of what was exchanged with them, and LoggedIn of each
	// program that was run to log in: its exit code, and what became of it, in the words
	// that client-go has for it.
	Measured func(traffic.Exchange)
	LoggedIn func(code int, status string)
}

// Clusters are all destinations. It is a reconcile.Destinations, and safe for concurrent
// use.
type Clusters struct {
	Config
	work bell // rung when links are to be run, or let go

	mu      sync.Mutex // guards all below
	index   *index
	said    string // what was odd about Secrets
	rules   cluster.Rules
	links   map[string]*link // by server
	fresh   []*link          // to be run
	cancels map[*link]context.CancelFunc
	used    map[string]time.Time // when somebody last reached for one, by server
}

// New returns Clusters that are connected to none but the agent's own.
func New(config Config) *Clusters {
	return &Clusters{
		Config: config, work: make(bell, 1), index: newIndex(nil, nil),
		links: map[string]*link{}, cancels: map[*link]context.CancelFunc{}, used: map[string]time.Time{},
	}
}

// How long a cluster is kept that no Application is for, and how often that is looked at.
const (
	keptFor  = time.Minute
	keptEach = 30 * time.Second
)

// Run keeps in touch with the clusters until ctx ends.
func (c *Clusters) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	tick := time.NewTicker(keptEach)
	defer tick.Stop()
	for {
		c.begin(ctx, g)
		select {
		case <-ctx.Done():
			return g.Wait()
		case <-c.work:
		case <-tick.C:
			c.letGo(c.wanted())
		}
	}
}

// begin runs the links that are new.
func (c *Clusters) begin(ctx context.Context, g *errgroup.Group) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.fresh {
		if c.links[l.now().Server] != l {
			continue // it was let go before it began
		}
		ctx, cancel := context.WithCancel(ctx)
		c.cancels[l] = cancel
		g.Go(func() error { return l.run(ctx) })
	}
	c.fresh = nil
}

// wanted are the servers of all Applications.
func (c *Clusters) wanted() map[string]bool {
	servers := map[string]bool{}
	for _, to := range c.Wanted() {
		if to, err := c.Resolve(to); err == nil {
			servers[to.Server] = true
		}
	}
	return servers
}

// letGo ends the links that nobody has needed for a while.
func (c *Clusters) letGo(wanted map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for server := range c.links {
		if !wanted[server] && time.Since(c.used[server]) > keptFor {
			c.Log.Info("no Application is for a cluster any more, and its connection ends", "server", server)
			c.end(server)
		}
	}
}

// end ends a link. The caller holds c.mu.
func (c *Clusters) end(server string) {
	l := c.links[server]
	if cancel := c.cancels[l]; cancel != nil {
		cancel()
	}
	delete(c.cancels, l)
	delete(c.links, server)
	delete(c.used, server)
}

// Refresh reads the Secrets anew. What has changed of how to log in makes another
// connection, and forgets nothing of what is known of the cluster's objects.
func (c *Clusters) Refresh() {
	next := newIndex(c.Secrets(), c.Commands)
	c.mu.Lock()
	before := c.index
	c.index = next
	odd := strings.Join(next.odd, "; ")
	news := odd != "" && odd != c.said
	c.said = odd
	changed := len(before.servers) != len(next.servers)
	for server, e := range next.servers {
		was := before.servers[server]
		changed = changed || was == nil || !was.alike(e) || e.fault != nil && !was.same(e)
	}
	for server, l := range c.links {
		e := next.servers[server]
		if e == nil || e.fault != nil || c.isOwn(e) || fmt.Sprint(e.login.bounds) != l.bounds {
			c.end(server)
			continue
		}
		l.learn(*e)
	}
	c.mu.Unlock()
	if news {
		c.Log.Warn("Secrets of clusters say what is not acted on", "secrets", odd)
	}
	if changed {
		c.Wake("")
	}
}

// isOwn says that an entry is of the agent's own cluster, which needs no link.
func (c *Clusters) isOwn(e *entry) bool { return e.login != nil && e.login.own(e.Server) }

// Resolve is of reconcile.Destinations.
func (c *Clusters) Resolve(to api.Destination) (api.Destination, error) {
	c.mu.Lock()
	x := c.index
	c.mu.Unlock()
	to, err := x.resolve(to)
	if err != nil {
		return to, err
	}
	e := x.servers[to.Server]
	switch {
	case e != nil && e.fault != nil:
		return to, e.fault
	case to.Server == api.InClusterServer && c.OwnDisabled != nil && c.OwnDisabled():
		return to, fmt.Errorf("cluster %q is disabled: cluster.inClusterEnabled of ConfigMap argocd-cm is false", api.InClusterName)
	}
	return to, nil
}

// Reach is of reconcile.Destinations. It begins to connect if nobody has before.
func (c *Clusters) Reach(server string) (Target, error) {
	if c.skipped(server) {
		return Target{}, ErrSkipped
	}
	l, err := c.link(server)
	if err != nil {
		return Target{}, err
	}
	if l == nil {
		return c.Own.Target, nil
	}
	return l.reach()
}

// skipped says that the Secret of a cluster has its Applications left alone.
func (c *Clusters) skipped(server string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.index.servers[server]
	return e != nil && e.skipped()
}

// link returns the link to a cluster, nil for the agent's own.
func (c *Clusters) link(server string) (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.index.servers[server]
	switch {
	case e == nil && server == api.InClusterServer, e != nil && c.isOwn(e):
		return nil, nil
	case e == nil:
		return nil, missing{fmt.Sprintf("cluster %q not found", server)}
	case e.fault != nil:
		return nil, e.fault
	}
	c.used[server] = time.Now()
	if l := c.links[server]; l != nil {
		return l, nil
	}
	l, err := newLink(c, *e, c.rules)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrSecret, e.Secret, err)
	}
	c.links[server] = l
	c.fresh = append(c.fresh, l)
	c.work.ring()
	return l, nil
}

// Await waits until it is known whether a cluster can be reached, and returns what Reach
// does. It is for commands, which make one pass.
func (c *Clusters) Await(ctx context.Context, server string) (Target, error) {
	l, err := c.link(server)
	if err != nil || l == nil {
		return c.Own.Target, err
	}
	select {
	case <-l.settled:
		return l.reach()
	case <-ctx.Done():
		return Target{}, fmt.Errorf("connect to cluster %s: %w", server, context.Cause(ctx))
	}
}

// View returns the cluster of an Application as the pipeline sees it.
func (c *Clusters) View(to api.Destination) (View, error) {
	l, err := c.linkOf(to)
	if err != nil {
		return View{}, err
	}
	if l == nil {
		return View{c.Own.Objects, c.Own.Controlled}, nil
	}
	return l.view, nil
}

// Looker returns what charts of an Application look up by.
func (c *Clusters) Looker(to api.Destination) (*cluster.Looker, error) {
	l, err := c.linkOf(to)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return c.Own.Looker, nil
	}
	return l.looker, nil
}

func (c *Clusters) linkOf(to api.Destination) (*link, error) {
	to, err := c.Resolve(to)
	if err != nil {
		return nil, err
	}
	return c.link(to.Server)
}

// Renew has what is known of all clusters but the agent's own be listed anew before any
// pass over one of their Applications goes on. It does not wait for that: they are woken.
func (c *Clusters) Renew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.links {
		l.distrust()
	}
}

// Newest is how far is known what is live in the clusters but the agent's own, by server:
// see cluster.Newest.
func (c *Clusters) Newest() map[string]map[string]string {
	all := map[string]map[string]string{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for server, l := range c.links {
		all[server] = l.Cluster.Newest()
	}
	return all
}

// CatchUp is Renew of those clusters of which less is known than somebody knew whose Newest
// one of these was, or of which one did not know anything.
func (c *Clusters) CatchUp(ctx context.Context, all []map[string]map[string]string) {
	c.mu.Lock()
	links := maps.Clone(c.links)
	c.mu.Unlock()
	var g errgroup.Group
	for server, l := range links {
		g.Go(func() error {
			for _, known := range all {
				if newest, ok := known[server]; !ok || !l.Cluster.Reached(ctx, newest) {
					l.distrust()
					break
				}
			}
			return nil
		})
	}
	_ = g.Wait()
}

// Configure has objects of all clusters judged by these rules from now on.
func (c *Clusters) Configure(rules cluster.Rules) {
	c.Own.Cluster.Configure(rules)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rules = rules
	for _, l := range c.links {
		l.Cluster.Configure(rules)
	}
}

// login is how to log in. The agent's own cluster, in another name, is asked where the
// agent itself asks it, and by what vouches for it.
func (c *Clusters) login(e *entry) *login {
	if e.Server != api.InClusterServer || c.Own.Config == nil {
		return e.login
	}
	own, l := rest.CopyConfig(c.Own.Config), *e.login
	if at, err := url.Parse(own.Host); err == nil && at.Host != "" {
		l.server = at
	}
	if len(l.ca) == 0 && !l.TLS.Insecure && rest.LoadTLSFiles(own) == nil {
		l.ca, l.TLS.Insecure, l.TLS.ServerName = own.CAData, own.Insecure, own.ServerName
	}
	return &l
}

// A Status is what there is to say of a cluster.
type Status struct {
	Name, Server, Secret, Project string
	Namespaces                    []string
	Labels                        map[string]string
	// Connected says that it answers; Since is when that has changed, and zero if no
	// Application needs it.
	Connected bool
	Since     time.Time
	// Err is why it does not answer, or what is wrong with its Secret.
	Err    error
	Vitals cluster.Vitals
}

// Statuses are those of the clusters that have a Secret, by name, but for the agent's own
// if it is reached as the agent reaches it.
func (c *Clusters) Statuses() []Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Status
	for server, e := range c.index.servers {
		if c.isOwn(e) {
			continue
		}
		s := Status{Name: e.Name, Server: server, Secret: e.Secret, Project: e.Project, Namespaces: e.OnlyNamespaces(), Labels: e.Labels, Err: e.fault}
		if l := c.links[server]; l != nil {
			s.Connected, s.Since, s.Err = l.status()
			s.Vitals = l.Cluster.Vitals()
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Name+" "+a.Server, b.Name+" "+b.Server) })
	return all
}

// OwnName is what Applications may call the agent's own cluster.
func (c *Clusters) OwnName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if own := c.index.own(); own != nil && own.Name != "" {
		return own.Name
	}
	return api.InClusterName
}

// OwnLabels are those of the Secret of the agent's own cluster; nil if it has none.
func (c *Clusters) OwnLabels() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if own := c.index.own(); own != nil {
		return own.Labels
	}
	return nil
}

package forge

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/secrets"
)

// Options bound what is asked. A zero field means the default.
type Options struct {
	// Hosts are the servers of pull requests and repositories that may be asked, as
	// "git.example.com" or "git.example.com:8443"; none are all. Plugins are not among
	// them: their addresses are an administrator's anyway.
	Hosts []string
	// UserAgent is what servers are told about who asks.
	UserAgent string
	// MaxAnswer is how many bytes one answer may have; default 16 MiB.
	MaxAnswer int64
	// MaxPages is how many pages a list may have; default 100.
	MaxPages int
	// Timeout is that of one request; default 30 s.
	Timeout time.Duration
}

func (o Options) orDefault() Options {
	if o.UserAgent == "" {
		o.UserAgent = "tidelock"
	}
	if o.MaxAnswer == 0 {
		o.MaxAnswer = 16 << 20
	}
	if o.MaxPages == 0 {
		o.MaxPages = 100
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	return o
}

// A Reader reads what generators name, in one namespace. It is what decides whether
// that may be read.
type Reader interface {
	// Secret returns the items of one.
	Secret(ctx context.Context, name string) (map[string]secrets.Value, error)
	// ConfigMap returns the data of one.
	ConfigMap(ctx context.Context, name string) (map[string]string, error)
}

// Forge asks servers. It is safe for concurrent use, and one is enough for all
// ApplicationSets: connections are kept, and tokens of GitHub Apps until they end.
type Forge struct {
	options Options
	shared  *http.Transport

	mu     sync.Mutex
	tokens map[appInstallation]appToken // guarded by mu
}

// New returns a Forge, which Close ends.
func New(o Options) *Forge {
	return &Forge{options: o.orDefault(), shared: newTransport(), tokens: map[appInstallation]appToken{}}
}

// Close closes the connections that nobody uses at the moment.
func (f *Forge) Close() { f.shared.CloseIdleConnections() }

// For answers for the ApplicationSet of a name. Own reads in its namespace: tokens and
// certificate authorities; agent in that of the agent: GitHub Apps and plugins.
func (f *Forge) For(set string, own, agent Reader) *Answers {
	return &Answers{forge: f, set: set, own: own, agent: agent}
}

// Answers are those for one ApplicationSet.
type Answers struct {
	// Permit, if not nil, is asked whether a server may be asked: whether its address is
	// one that the generator names, and not the product's own. Set it before the first use.
	Permit func(address *url.URL, named bool) error
	// Apps, if not nil, reads the Secrets of GitHub Apps instead of agent; likewise.
	Apps Reader

	forge      *Forge
	set        string
	own, agent Reader
}

// apps reads the Secrets of GitHub Apps.
func (a *Answers) apps() Reader {
	if a.Apps != nil {
		return a.Apps
	}
	return a.agent
}

// Answers are what package appset asks of a server.
var _ interface {
	PullRequests(context.Context, *api.PullRequestGenerator) ([]appset.PullRequest, error)
	Repositories(context.Context, *api.SCMProviderGenerator) ([]appset.Repository, error)
	Plugin(context.Context, *api.PluginGenerator) ([]map[string]any, error)
} = (*Answers)(nil)

// DefaultInterval is how long the answers of these generators count, if the generator
// does not say it (requeueAfterSeconds).
const DefaultInterval = 30 * time.Minute

// Interval is how long the answer to a generator counts; 0 if it is none of these.
func Interval(g *api.Generator) time.Duration {
	var seconds *int64
	switch {
	case g.PullRequest != nil:
		seconds = g.PullRequest.RequeueAfterSeconds
	case g.SCMProvider != nil:
		seconds = g.SCMProvider.RequeueAfterSeconds
	case g.Plugin != nil:
		seconds = g.Plugin.RequeueAfterSeconds
	default:
		return 0
	}
	if seconds == nil {
		return DefaultInterval
	}
	return time.Duration(*seconds) * time.Second
}

// Server names who is asked about a generator, so that those of one have one name; "" if
// it is none of these.
func Server(g *api.Generator) string {
	switch {
	case g.PullRequest != nil:
		return serverOfPulls(g.PullRequest)
	case g.SCMProvider != nil:
		return serverOfRepositories(g.SCMProvider)
	case g.Plugin != nil:
		return "plugin " + g.Plugin.ConfigMapRef.Name
	}
	return ""
}

func serverOfPulls(g *api.PullRequestGenerator) string {
	switch {
	case g.Github != nil:
		return hostOf(g.Github.API, githubHost)
	case g.Gitlab != nil:
		return hostOf(g.Gitlab.API, gitlabHost)
	case g.Gitea != nil:
		return hostOf(g.Gitea.API, "")
	}
	return ""
}

func serverOfRepositories(g *api.SCMProviderGenerator) string {
	switch {
	case g.Github != nil:
		return hostOf(g.Github.API, githubHost)
	case g.Gitlab != nil:
		return hostOf(g.Gitlab.API, gitlabHost)
	case g.Gitea != nil:
		return hostOf(g.Gitea.API, "")
	}
	return ""
}

// hostOf is the host of an API, without an address the product's own.
func hostOf(address, standard string) string {
	u, err := url.Parse(cmp.Or(address, "https://"+standard))
	if err != nil {
		return "" // nobody is asked
	}
	return strings.ToLower(u.Host)
}

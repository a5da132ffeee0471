package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
)

// remotes give one Application, during one pass, what its files refer to by URL.
type remotes struct {
	p     *Pipeline
	app   *api.Application
	renew bool // ask the servers anew, each once

	mu       sync.Mutex
	asked    map[sdk.Source]bool // guarded by mu
	warnings []Warning           // guarded by mu
}

var _ render.Remotes = (*remotes)(nil)

func (p *Pipeline) remotes(app *api.Application, renew bool) *remotes {
	return &remotes{p: p, app: app, renew: renew, asked: map[sdk.Source]bool{}}
}

// Open finds a source that the Application's project permits.
func (r *remotes) Open(ctx context.Context, project string, source sdk.Source) (render.Remote, error) {
	source, err := r.named(source, project)
	if err != nil {
		return render.Remote{}, err
	}
	renew := r.note(source)
	if r.p.PermitSource == nil {
		return render.Remote{}, errors.New("nothing is fetched here")
	}
	if err := r.p.PermitSource(r.app)(source.URL); err != nil {
		return render.Remote{}, err
	}
	from, err := r.upstreams(source, project)
	if err != nil {
		return render.Remote{}, err
	}
	return r.first(ctx, from, source, renew)
}

// named puts the address of a repository in the place of its name: charts write
// "@name" or "alias:name".
func (r *remotes) named(source sdk.Source, project string) (sdk.Source, error) {
	name, ok := strings.CutPrefix(source.URL, "@")
	if !ok {
		name, ok = strings.CutPrefix(source.URL, "alias:")
	}
	if !ok {
		return source, nil
	}
	address, known := r.p.Keys.Named(name, project)
	if !known {
		return source, fmt.Errorf("no repository is called %q: add a repository Secret with name: %s, or write the repository's address", name, name)
	}
	source.URL = address
	return source, nil
}

// note remembers that the source was asked for, and says whether to ask its
// server.
func (r *remotes) note(source sdk.Source) (renew bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	renew = r.renew && !r.asked[source]
	r.asked[source] = true
	return renew
}

// upstreams are where a source may be, the likeliest first. Nothing is read from
// the machine itself.
func (r *remotes) upstreams(source sdk.Source, project string) ([]upstream, error) {
	scheme, _, _ := strings.Cut(source.URL, "://")
	if source.Chart != "" || scheme == "oci" {
		return []upstream{published{r.p, registry.Chart(r.p.Keys.Registry(source.URL, project), source.Chart)}}, nil
	}
	if !git.Remote(source.URL) {
		return nil, fmt.Errorf("%s is no address of a server", git.Redact(source.URL))
	}
	repository := committed{r.p, r.p.repo(r.app, source.URL)}
	file := published{r.p, registry.File(r.p.Keys.Registry(source.URL, project))}
	switch {
	case scheme != "https" && scheme != "http":
		return []upstream{repository}, nil
	case isFile(source.URL) && scheme == "http":
		return nil, errors.New("single files are fetched over https only: copy it into the repository")
	case isFile(source.URL):
		return []upstream{file}, nil
	case scheme == "https" && source.Revision == "":
		return []upstream{repository, file}, nil
	}
	return []upstream{repository}, nil
}

// isFile says that an address is that of a single file. What it says of others is
// for their servers to tell.
func isFile(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	switch path.Ext(u.Path) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return path.Base(u.Path) == "raw" && u.Hostname() != "github.com" // as GitLab's API gives files
}

// first finds the source at the first place that has it. The error is that of the
// likeliest. A place that was good before is asked alone.
func (r *remotes) first(ctx context.Context, from []upstream, source sdk.Source, renew bool) (render.Remote, error) {
	revision := cmp.Or(source.Revision, api.DefaultRevision)
	for _, at := range from[1:] {
		if _, ok := at.known(revision); ok {
			from = []upstream{at}
		}
	}
	var failed error
	for _, at := range from {
		found, err := r.p.find(ctx, r.app, at, revision, revision, renew)
		if _, known := at.known(revision); renew && known && errors.Is(err, git.ErrRepository) {
			found, err = r.p.find(ctx, r.app, at, revision, revision, false) // what is known stands
		}
		if err == nil {
			r.warn(found.warnings)
			return render.Remote{Tree: found.tree, Revision: found.revision, Label: at.String()}, nil
		}
		if failed == nil {
			failed = err
		}
		if !errors.Is(err, git.ErrRepository) && !errors.Is(err, git.ErrAuth) {
			break // it is there
		}
	}
	return render.Remote{}, failed
}

func (r *remotes) warn(warnings []Warning) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range warnings {
		if !slices.Contains(r.warnings, w) {
			r.warnings = append(r.warnings, w)
		}
	}
}

// found returns what was asked for, and what there is to warn of.
func (r *remotes) found() (asked []sdk.Source, warnings []Warning) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for source := range r.asked {
		asked = append(asked, source)
	}
	return asked, r.warnings
}

// read keeps what an Application's files refer to. After a failure there may be
// more of it than was asked for.
func (p *Pipeline) read(name string, asked []sdk.Source, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if failed {
		asked = append(asked, p.reads[name]...)
		seen := map[sdk.Source]bool{}
		var once []sdk.Source
		for _, source := range asked {
			if !seen[source] {
				seen[source], once = true, append(once, source)
			}
		}
		asked = once
	}
	if len(asked) == 0 {
		delete(p.reads, name)
		return
	}
	if p.reads == nil {
		p.reads = map[string][]sdk.Source{}
	}
	p.reads[name] = asked
}

// Reads says whether the files of an Application, when last rendered, referred to
// a repository, chart or file that a function knows by its address.
func (p *Pipeline) Reads(app *api.Application, is func(url, chart string) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, source := range p.reads[api.InstanceName(app.Namespace, app.Name, p.Namespace)] {
		if is(source.URL, source.Chart) {
			return true
		}
	}
	return false
}

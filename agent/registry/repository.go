package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git"
)

// A repository is a Helm repository over http(s): an index and archives.
type repository struct {
	*client
	limits Limits
	seen   stamp
	index  index
	// sub are registries that the index says charts are in, by address.
	registries map[string]*packages
}

func newRepository(p Place, limits Limits) (*repository, error) {
	c, err := newClient(p, p.URL)
	if err != nil {
		return nil, err
	}
	return &repository{client: c, limits: limits, registries: map[string]*packages{}}, nil
}

func (r *repository) close() {
	r.client.close()
	for _, p := range r.registries {
		p.close()
	}
}

// refresh reads the index, unless it is the one we have.
func (r *repository) refresh(ctx context.Context) error {
	address := *r.own
	address.Path = strings.TrimRight(address.Path, "/") + "/index.yaml"
	res, err := r.get(ctx, address.String(), r.seen.header())
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotModified && r.index != nil {
		return nil
	}
	data, err := read(ctx, res.Body, r.limits.Index)
	if err != nil {
		return r.explain(err)
	}
	found, err := parseIndex(data)
	if err != nil {
		return r.place.failf(git.ErrRepository, "check that the address is that of a Helm repository", "%s", git.Plain(err))
	}
	r.index, r.seen = found, stampOf(res)
	return nil
}

func (r *repository) find(_ context.Context, chart, revision string) (pin, error) {
	releases := r.index[chart]
	if len(releases) == 0 {
		return pin{}, r.unknownChart(chart)
	}
	versions := make([]string, 0, len(releases))
	for _, release := range releases {
		if release.Version != "" {
			versions = append(versions, release.Version)
		}
	}
	version, ok := choose(versions, revision)
	if !ok {
		return pin{}, r.place.failf(git.ErrRevision, hintOf("it has", nearest(versions, revision)), "the chart %s has no version %.60q", chart, revision)
	}
	found := releases[slices.IndexFunc(releases, func(r release) bool { return r.Version == version })]
	return pin{revision: version, content: found.Digest + " " + strings.Join(found.URLs, " "), release: found}, nil
}

// unknownChart names the charts that are written most alike.
func (r *repository) unknownChart(chart string) error {
	names := slices.Sorted(maps.Keys(r.index))
	slices.SortStableFunc(names, func(a, b string) int { return shared(b, chart) - shared(a, chart) })
	return r.place.failf(git.ErrRevision, hintOf("it has", names[:min(5, len(names))]), "the repository has no chart %.60q", chart)
}

// fetch downloads the archive from the first of its addresses.
func (r *repository) fetch(ctx context.Context, chart string, p pin) (*git.Tree, error) {
	if len(p.release.URLs) == 0 {
		return nil, r.place.failf(git.ErrRepository, "", "the index has no address for %s %s", chart, p.revision)
	}
	address, err := r.archive(p.release.URLs[0])
	if err != nil {
		return nil, err
	}
	data, err := r.download(ctx, address)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	want := strings.ToLower(strings.TrimPrefix(p.release.Digest, "sha256:"))
	if got := hex.EncodeToString(sum[:]); want != "" && got != want {
		return nil, r.place.failf(git.ErrMalformed, "somebody may be in between, or the index is older than the archive",
			"the archive of %s %s has the digest %s, and the index says %.64s", chart, p.revision, got, want)
	}
	members, err := unpackChart(data, r.limits)
	return r.tree(p.revision, members, err)
}

// archive makes the address of an archive absolute, as Helm does: one that is
// relative keeps the query of the repository.
func (r *repository) archive(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, r.place.failf(git.ErrRepository, "", "the index has an address that is none: %s", clean(address))
	}
	if u.IsAbs() {
		return u, nil
	}
	base := *r.own
	base.Path = strings.TrimRight(base.Path, "/") + "/"
	absolute := base.ResolveReference(u)
	if u.Host == "" {
		absolute.RawQuery = base.RawQuery
	}
	return absolute, nil
}

// download brings an archive, from the web or from a registry.
func (r *repository) download(ctx context.Context, address *url.URL) ([]byte, error) {
	if address.Scheme == "oci" {
		return r.pull(ctx, address)
	}
	if r.own.Scheme == "https" && address.Scheme == "http" {
		return nil, r.place.failf(git.ErrRepository, "", "the index of an https repository refers to http: %s", git.Redact(address.String()))
	}
	// Whoever serves a .tgz as something that is compressed would have it unpacked.
	res, err := r.get(ctx, address.String(), http.Header{"Accept-Encoding": {"identity"}})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := read(ctx, res.Body, r.limits.Archive)
	return data, r.explain(err)
}

// pull brings an archive from a registry that the index names, with credentials
// if it is on the same host, and without them elsewhere.
func (r *repository) pull(ctx context.Context, address *url.URL) ([]byte, error) {
	name, tag, ok := cutTag(address.Path)
	if !ok {
		return nil, r.place.failf(git.ErrRepository, "", "the index has the address of a registry without a tag: %s", clean(address.Redacted()))
	}
	host := ociScheme + address.Host + name
	if r.registries[host] == nil {
		p := Place{Repo: Repo{Repo: git.Repo{URL: host}}, kind: ociChart}
		if https := (url.URL{Scheme: "https", Host: address.Host}); r.isOwn(&https) || r.place.PassCredentials {
			p.Credentials = r.place.Credentials
		}
		opened, err := newPackages(p, r.limits)
		if err != nil {
			return nil, err
		}
		r.registries[host] = opened
	}
	from := r.registries[host]
	found, err := from.find(ctx, "", tag)
	if err != nil {
		return nil, err
	}
	data, _, err := from.pull(ctx, found.content)
	return data, err
}

// cutTag takes a path of a registry apart.
func cutTag(path string) (name, tag string, ok bool) {
	i := strings.LastIndex(path, ":")
	if i < 0 || strings.Contains(path[i:], "/") {
		return path, "", false
	}
	return path[:i], path[i+1:], true
}

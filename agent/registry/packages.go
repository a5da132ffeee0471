package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git"
	"oras.land/oras-go/v2/errdef"
	ocireg "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

const (
	tagPage     = 1000    // tags to ask for at once; some servers send fewer
	maxPages    = 1000    // of tags
	maxMetadata = 4 << 20 // bytes of a manifest or of a page of tags
)

// packages are the tags of one repository of a registry.
type packages struct {
	*client
	limits Limits
	remote *remote.Repository
	tags   []string // as of the last refresh, if they were asked for
	listed bool
	begin  func(request string) (done func(error)) // tells of a request; nil if nobody is told
}

func newPackages(p Place, limits Limits) (*packages, error) {
	reference, err := ocireg.ParseReference(strings.TrimPrefix(p.URL, ociScheme))
	if err != nil || reference.Reference != "" {
		return nil, p.failf(git.ErrRepository, "write it as oci://host/path, in lower case and without a tag", "the address is not one of a registry's repository")
	}
	scheme := "https://"
	if p.PlainHTTP {
		scheme = "http://"
	}
	c, err := newClient(p, scheme+reference.Host())
	if err != nil {
		return nil, err
	}
	return &packages{client: c, limits: limits, remote: &remote.Repository{
		Reference: reference, PlainHTTP: p.PlainHTTP,
		TagListPageSize: tagPage, TagListMaxPages: maxPages, MaxMetadataBytes: maxMetadata,
		Client: &auth.Client{
			Client: c.http, Header: http.Header{"User-Agent": {userAgent}}, Credential: c.credential, Cache: auth.NewCache(),
		},
	}}, nil
}

// refresh forgets the list of tags: find asks for it if a constraint needs it,
// and asks for each tag anew.
func (p *packages) refresh(context.Context) error {
	p.tags, p.listed = nil, false
	return nil
}

// find looks for the tag of that name before it takes the revision for a
// constraint. What an artifact's tag points at names itself; a chart has a
// version.
func (p *packages) find(ctx context.Context, _, revision string) (pin, error) {
	if digestForm.MatchString(revision) {
		return pin{revision: revision, content: revision}, nil
	}
	if revision == "" || revision == "HEAD" {
		revision = p.unnamed()
	}
	tag := tagOf(revision)
	digest, err := p.digest(ctx, tag)
	if errors.Is(err, errdef.ErrNotFound) {
		if tag, err = p.within(ctx, revision); err == nil {
			digest, err = p.digest(ctx, tag)
		}
	}
	switch {
	case err != nil:
		return pin{}, p.explain(err)
	case p.place.kind == ociChart:
		return pin{revision: versionOf(tag), content: digest}, nil
	}
	return pin{revision: digest, content: digest}, nil
}

// unnamed is what no revision means: the newest release of a chart, the tag
// latest of an artifact.
func (p *packages) unnamed() string {
	if p.place.kind == ociChart {
		return "*"
	}
	return "latest"
}

// tagOf and versionOf write versions as tags, which may have no +, as Helm does.
func tagOf(version string) string { return strings.ReplaceAll(version, "+", "_") }
func versionOf(tag string) string { return strings.ReplaceAll(tag, "_", "+") }

// digest asks what a tag points at. What cannot be a tag is not found.
func (p *packages) digest(ctx context.Context, tag string) (string, error) {
	reference := p.remote.Reference
	reference.Reference = tag
	if reference.ValidateReferenceAsTag() != nil {
		return "", errdef.ErrNotFound
	}
	found, err := p.remote.Resolve(ctx, tag)
	if missing(err) {
		return "", errdef.ErrNotFound
	}
	return found.Digest.String(), err
}

func missing(err error) bool {
	var answer *errcode.ErrorResponse
	return errors.Is(err, errdef.ErrNotFound) || errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

// within chooses the greatest tag within a constraint.
func (p *packages) within(ctx context.Context, constraint string) (string, error) {
	if err := p.list(ctx); err != nil {
		return "", err
	}
	versions := make([]string, len(p.tags))
	for i, tag := range p.tags {
		versions[i] = versionOf(tag)
	}
	version, ok := choose(versions, constraint)
	if !ok {
		return "", p.place.failf(git.ErrRevision, hintOf("it has", nearest(versions, constraint)), "%.80q is no tag of it, nor a constraint that one meets", constraint)
	}
	return tagOf(version), nil
}

// list asks for all tags, once.
func (p *packages) list(ctx context.Context) error {
	if p.listed {
		return nil
	}
	done := func(error) {}
	if p.begin != nil {
		done = p.begin(requestTags)
	}
	var tags []string
	err := p.remote.Tags(ctx, "", func(page []string) error {
		if tags = append(tags, page...); len(tags) > p.limits.Tags {
			return fmt.Errorf("%w: it has more than %d tags", git.ErrTooLarge, p.limits.Tags)
		}
		return nil
	})
	done(err)
	if missing(err) {
		return p.status(http.StatusNotFound)
	}
	if err != nil {
		return p.explain(err)
	}
	p.tags, p.listed = tags, true
	return nil
}

func (p *packages) fetch(ctx context.Context, _ string, of pin) (*git.Tree, error) {
	data, isChart, err := p.pull(ctx, of.content)
	if err != nil {
		return nil, err
	}
	unpack := unpackLayer
	if isChart {
		unpack = unpackChart
	}
	members, err := unpack(data, p.limits)
	return p.tree(of.revision, members, err)
}

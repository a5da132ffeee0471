package render

import (
	"context"
	"encoding/json"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/leak"
)

// A Request is one source of one Application at one commit.
type Request struct {
	// Application is the instance name: "name", or "namespace_name" for an
	// Application outside the agent's namespace.
	Application string
	Project     string
	Source      api.Source
	// SourceIndex counts from 1; 0 is the only source. RenderAll sets it.
	SourceIndex int
	Tree        *git.Tree
	// Revision is the commit of Tree, in full.
	Revision string
	// Namespace, KubeVersion ("1.37.2") and APIVersions ("apps/v1",
	// "apps/v1/Deployment") describe the destination.
	Namespace   string
	KubeVersion string
	APIVersions []string
	// Keys may open SOPS files of this project.
	Keys []sdk.Key
	// Chained has Kustomize build what Helm renders (tidelock.io/post-render).
	Chained bool
	// Refs are the sources of the same Application that others refer to, by name.
	Refs map[string]Remote
	// Remotes finds what is outside of the Application's sources; nil refuses.
	Remotes Remotes
	// Lookup reads an object of the destination as JSON, nil for none. It is asked
	// for the kinds of Lookups ("v1/Secret", "apps/v1/Deployment") only; a nil
	// Lookup refuses these, too.
	Lookup  func(ctx context.Context, o sdk.Object) (json.RawMessage, error)
	Lookups []string
	// Values are given besides what is in Git (tidelock.io/values-from), in the order
	// in which they count.
	Values []Value
}

// A Remote is another source at what its revision stood for.
type Remote struct {
	Tree     *git.Tree
	Revision string // commit, version or digest
	// Label names it in messages; never with a password.
	Label string
}

// Remotes gives the sources that files refer to by URL: remote bases of
// Kustomize, dependencies of charts. It checks that the project permits them,
// and uses the project's credentials. What was found before is answered from
// memory, for a kept render asks again whether it still holds.
type Remotes interface {
	Open(ctx context.Context, project string, source sdk.Source) (Remote, error)
}

// A Result is what one source gives. It may be shared: do not change it.
type Result struct {
	Set manifest.Set
	// Plugin rendered it; "" if the source has no manifests, like a ref alone.
	Plugin     string
	SourceType api.SourceType
	// Inputs are all the reads of the source's tree that the result depends on,
	// Mounts those of other sources, Lookups those of the destination.
	Inputs  git.Facts
	Mounts  []Mount
	Lookups []Lookup
	// Values are those that were given.
	Values []GivenValue
	// Repeated are objects that were stated before, and dropped
	// (RepeatedResourceWarning).
	Repeated []manifest.Duplicate
	// Warnings are sentences for a person.
	Warnings []string
	// Opened is how to know the values again that were decrypted for it.
	Opened []leak.Secret
	// Cached says that no plugin was called for it.
	Cached bool
}

// A Mount is another source that a render read from.
type Mount struct {
	Source   sdk.Source `json:"source"`
	Revision string     `json:"revision"`
	Inputs   git.Facts  `json:"inputs"`
}

// A Lookup is an object of the destination that a render read, and the mark of
// what it was: equal marks, equal objects, within one process.
type Lookup struct {
	Object sdk.Object `json:"object"`
	Mark   string     `json:"mark"`
}

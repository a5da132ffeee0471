package render

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
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
}

// A Result is what one source gives. It may be shared: do not change it.
type Result struct {
	Set manifest.Set
	// Plugin rendered it; "" if the source has no manifests, like a ref alone.
	Plugin     string
	SourceType api.SourceType
	// Inputs are all the reads that the result depends on.
	Inputs git.Facts
	// Repeated are objects that were stated before, and dropped
	// (RepeatedResourceWarning).
	Repeated []manifest.Duplicate
	// Warnings are sentences for a person.
	Warnings []string
	// Cached says that no plugin was called for it.
	Cached bool
}

package pipeline

import (
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Rendered is what an Application states.
type Rendered struct {
	// Set holds the objects in their namespaces, secrets resolved.
	Set manifest.Set
	// Revisions are commits, in the order of the sources.
	Revisions []string
	Types     []api.SourceType
	// Inputs are all that was read, source by source.
	Inputs   []git.Facts
	Warnings []Warning
	// Refresh is when an external value is due to be read again; zero if never.
	Refresh time.Time
}

package pipeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/render"
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
	Inputs   []Inputs
	Warnings []Warning
	// Repeated are the objects that are stated twice, of which the last count.
	Repeated []manifest.Duplicate
	// Refresh is when an external value is due to be read again; zero if never.
	Refresh time.Time
}

// Inputs are what one source's objects depend on: reads of its own files, of
// other sources, of objects in the destination, and of values from elsewhere.
type Inputs struct {
	Files   git.Facts       `json:"files"`
	Mounts  []render.Mount  `json:"mounts,omitempty"`
	Objects []render.Lookup `json:"objects,omitempty"`
	// Values are those that were taken from Secrets and ConfigMaps.
	Values []render.GivenValue `json:"values,omitempty"`
}

// String prints one read a line. Those of another source bear its name.
func (in Inputs) String() string {
	var b strings.Builder
	b.WriteString(in.Files.String())
	for _, m := range in.Mounts {
		fmt.Fprintf(&b, "%-6s %s %s\n", "mount", m.Source, m.Revision)
		for _, f := range m.Inputs {
			f.Path = m.Source.String() + "//" + f.Path
			fmt.Fprintln(&b, f)
		}
	}
	for _, l := range in.Objects {
		fmt.Fprintf(&b, "%-6s %s %s\n", "object", l.Object, l.Mark)
	}
	for _, v := range in.Values {
		fmt.Fprintf(&b, "%-6s %s %s\n", "value", v.From, v.Mark)
	}
	return b.String()
}

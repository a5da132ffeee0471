package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// ConditionRenderWarning is what a renderer had to say to a person.
const ConditionRenderWarning api.ConditionType = "RenderWarning"

// ConditionUnsignedWarning names what has no signature that is checked, though the
// project demands signed commits.
const ConditionUnsignedWarning api.ConditionType = "UnsignedWarning"

// A Warning becomes a condition.
type Warning struct {
	Kind    api.ConditionType
	Message string
}

func warningsOf(r *render.Rendering, sources []api.Source) []Warning {
	warnings := repeatedWarnings(r.Repeated, sources)
	seen := map[string]bool{}
	for _, text := range r.Warnings() {
		seen[text] = true
	}
	for _, text := range slices.Sorted(maps.Keys(seen)) {
		warnings = append(warnings, Warning{ConditionRenderWarning, text})
	}
	return warnings
}

// repeatedWarnings names where each object is stated twice: its sources, by the
// name that they have if any, and the files with their lines.
func repeatedWarnings(repeated []manifest.Duplicate, sources []api.Source) []Warning {
	var warnings []Warning
	for _, d := range repeated {
		text := fmt.Sprintf("%s: stated at %s and at %s; the last one counts", d.Key, stated(d.Dropped, sources), stated(d.Kept, sources))
		warnings = append(warnings, Warning{api.ConditionRepeatedResourceWarning, text})
	}
	return warnings
}

// stated prints an origin as "source 2 (charts): base.yaml:1".
func stated(origin manifest.Origin, sources []api.Source) string {
	i := origin.Source - 1
	if i < 0 || i >= len(sources) || sources[i].Name == "" {
		return origin.String()
	}
	number := origin.Source
	origin.Source = 0
	return "source " + strconv.Itoa(number) + " (" + sources[i].Name + "): " + origin.String()
}

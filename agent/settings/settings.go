// Package settings reads what an administrator sets for all Applications in
// ConfigMap argocd-cm, as Argo CD has it (SEMANTICS.md 1.4, 1.5, 2.4, 2.6).
//
// Start with [Read], which is pure, and [Reader], which follows the ConfigMap. An
// entry that cannot be read is named, and stays as it was last; the others are in
// force all the same.
package settings

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health/script"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ConfigMap is the name of the object, in the agent's namespace.
const ConfigMap = "argocd-cm"

// Settings are what the ConfigMap says. They must not be changed.
type Settings struct {
	// Ignore are the rules of resource.customizations.ignoreDifferences.
	Ignore []diff.Rule
	// Kinds are those of resource.exclusions and resource.inclusions.
	Kinds diff.Kinds
	// Health are the scripts of resource.customizations.health.
	Health *script.Set
	// Installation is installationID: objects without it are another agent's.
	Installation string
	// InClusterDisabled says that cluster.inClusterEnabled is false: nothing is synced to
	// the agent's own cluster.
	InClusterDisabled bool
	// Tracking is application.resourceTrackingMethod, and Label, by which objects are
	// tracked if it says so, application.instanceLabelKey: how Argo CD marks objects. It
	// matters beside Argo CD only.
	Tracking, Label string
	// Impersonate is application.sync.impersonation.enabled.
	Impersonate bool
	// Problems are the entries that cannot be read.
	Problems []Problem
	// Notes say what is written and has no effect.
	Notes []string

	interval, jitter *time.Duration // see Pace; nil if nothing is said
	hard             time.Duration
	entries          map[string]entry // by place
}

// A Problem is an entry that cannot be read.
type Problem struct {
	// Place is its key and, within Argo CD's old single key, its name.
	Place string
	// Line counts from 1 in the value of the key; 0 if it is not known.
	Line int
	Text string

	kinds *pattern // that it is about; nil if all
}

// Concerns says that the entry is about a kind.
func (p Problem) Concerns(kind schema.GroupKind) bool { return p.kinds == nil || p.kinds.matches(kind) }

// String prints as "resource.exclusions, line 3: no such field: kind".
func (p Problem) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("%s, line %d: %s", p.Place, p.Line, p.Text)
	}
	return p.Place + ": " + p.Text
}

// An entry is what was read of one place.
type entry struct {
	made   string // of which text
	rule   *diff.Rule
	script *script.Entry
	kinds  []diff.KindRule
	flag   bool
	span   time.Duration
}

// Read reads the data of the ConfigMap. Last is what was read before, of which an
// entry stays if there is a new one that cannot be read; nil is nothing.
func Read(data map[string]string, last *Settings) *Settings {
	r := &reading{last: last, settings: &Settings{entries: map[string]entry{}}}
	r.customizations(data)
	for _, key := range slices.Sorted(maps.Keys(data)) {
		r.key(key, data[key])
	}
	return r.settings
}

// A reading is one call of Read.
type reading struct {
	last     *Settings
	settings *Settings
}

// take reads one place, or takes what was read of it before, if the text is the
// same or cannot be read. It reports whether there is anything.
func (r *reading) take(at place, read func() (entry, error)) (entry, bool) {
	var known entry
	var was bool
	if r.last != nil {
		known, was = r.last.entries[at.name]
	}
	if was && known.made == at.text {
		r.settings.entries[at.name] = known
		return known, true
	}
	e, err := read()
	if err != nil {
		r.settings.Problems = append(r.settings.Problems, at.problem(err))
		if was {
			r.settings.entries[at.name] = known
		}
		return known, was
	}
	e.made = at.text
	r.settings.entries[at.name] = e
	return e, true
}

func (r *reading) note(format string, args ...any) {
	r.settings.Notes = append(r.settings.Notes, fmt.Sprintf(format, args...))
}

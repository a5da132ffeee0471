package shadow

import (
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Reasons, as DESIGN.md section 4 has them.
const (
	byServer  = "what a server fills in, or admission changes, is no difference"
	byMarks   = "that only a mark of the Application is missing is no difference between the two: the next sync of either writes it"
	byOwner   = "an object of another Application is reported, and left to that"
	byChild   = "the health of a child Application counts"
	byDryRun  = "what the API server refuses is found by a dry run before a sync"
	byOneself = "only Tidelock says so"
	byIngress = "an Ingress is healthy without an address, for many controllers never give it one"
	byNoCheck = "what has no health check here counts as healthy"
	byUnknown = "what cannot be compared is not said to be healthy"
)

// objects compares objects one by one.
func (c *comparison) objects() {
	c.explained, c.open = map[string]string{}, map[string]bool{}
	for _, r := range c.app.Status.Resources {
		if !r.Hook {
			c.theirs[keyOf(r)] = r
		}
	}
	found := map[manifest.Key]Object{}
	for _, o := range c.found.Objects {
		found[o.Key] = o
	}
	healths := c.tellsHealth()
	seen := map[manifest.Key]bool{}
	for _, r := range c.found.Status.Resources {
		if r.Hook {
			continue
		}
		key := keyOf(r)
		seen[key] = true
		if theirs, ok := c.theirs[key]; ok {
			c.object(found[key], r, theirs, healths)
		} else {
			c.note("presence", found[key], Difference{Ours: string(r.Status)}, "")
		}
	}
	for _, r := range c.app.Status.Resources {
		if key := keyOf(r); !r.Hook && !seen[key] {
			c.note("presence", Object{Key: key}, Difference{Theirs: string(r.Status)}, "")
		}
	}
}

// tellsHealth says that Argo CD writes the health of objects: it does not, unless it is
// told to (controller.resource.health.persist).
func (c *comparison) tellsHealth() bool {
	return c.app.Status.ResourceHealthSource == "" && slices.ContainsFunc(c.app.Status.Resources, func(r api.ResourceStatus) bool { return r.Health != nil })
}

// note notes a difference in one object.
func (c *comparison) note(what string, o Object, d Difference, because string) {
	d.What, d.Object = what, o.Key.String()
	kind := what
	if kind != "health" {
		kind = "sync"
	}
	if because == "" {
		c.open[kind] = true
	} else {
		c.explained[kind] = because
	}
	c.add(d, c.fresh(o), because)
}

func (c *comparison) object(o Object, ours, theirs api.ResourceStatus, healths bool) {
	switch {
	case ours.RequiresPruning != theirs.RequiresPruning:
		c.note("pruning", o, Difference{Ours: yes(ours.RequiresPruning), Theirs: yes(theirs.RequiresPruning)}, "")
	case ours.Status != theirs.Status:
		c.note("sync", o, Difference{Ours: string(ours.Status), Theirs: string(theirs.Status)}, c.syncBecause(o, ours, theirs))
	}
	if a, b := healthOf(ours), healthOf(theirs); healths && a != b {
		c.note("health", o, Difference{Ours: string(a), Theirs: string(b)}, healthBecause(o.Key, a, b))
	} else if !healths && c.childCounts(o, ours) {
		c.explained["health"] = byChild
	}
}

// syncBecause is by which design an object's sync status is another one.
func (c *comparison) syncBecause(o Object, ours, theirs api.ResourceStatus) string {
	switch {
	case o.Verdict == diff.Foreign:
		return byOwner
	case ours.Status == api.SyncCodeSynced && theirs.Status == api.SyncCodeOutOfSync && o.Verdict == diff.Same:
		return byServer
	case theirs.Status == api.SyncCodeSynced && o.Known && onlyMarks(o.Fields):
		return byMarks
	}
	return ""
}

// healthBecause is by which design an object's health is another one.
func healthBecause(key manifest.Key, ours, theirs api.HealthCode) string {
	switch {
	case key.Group == api.GroupVersion.Group && key.Kind == api.ApplicationKind:
		return byChild
	case key.Kind == "Ingress" && ours == api.HealthHealthy && theirs == api.HealthProgressing:
		return byIngress
	case ours == "" && theirs == api.HealthHealthy:
		return byNoCheck
	}
	return ""
}

// onlyMarks says that nothing but what Argo CD tracks objects by differs.
func onlyMarks(fields []diff.Field) bool {
	return len(fields) > 0 && !slices.ContainsFunc(fields, func(f diff.Field) bool {
		return !strings.Contains(f.Path, api.AnnotationTrackingID) && !strings.Contains(f.Path, api.AnnotationInstallationID) && f.Path != "metadata.annotations"
	})
}

// childCounts says that a child Application makes the health of its parent worse.
func (c *comparison) childCounts(o Object, ours api.ResourceStatus) bool {
	return o.Key.Group == api.GroupVersion.Group && o.Key.Kind == api.ApplicationKind && healthOf(ours) == c.found.Status.Health.Status &&
		c.found.Status.Health.Status != api.HealthHealthy
}

func healthOf(r api.ResourceStatus) api.HealthCode {
	if r.Health == nil {
		return ""
	}
	return r.Health.Status
}

func keyOf(r api.ResourceStatus) manifest.Key {
	return manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

func yes(b bool) string {
	if b {
		return "to be pruned"
	}
	return "stated"
}

// known are the types of conditions that Argo CD has, too.
var known = []api.ConditionType{
	api.ConditionInvalidSpecError, api.ConditionComparisonError, api.ConditionSharedResourceWarning,
	api.ConditionRepeatedResourceWarning, api.ConditionExcludedResourceWarning, api.ConditionOrphanedResourceWarning,
}

// conditions compares which there are, by their types: the words are each agent's own.
// What is said of syncs is left out, for we make none.
func (c *comparison) conditions() {
	ours, theirs := typesOf(c.result.Ours.Conditions), typesOf(c.result.Theirs.Conditions)
	for _, kind := range known {
		if ours[kind] == theirs[kind] {
			continue
		}
		c.add(Difference{What: "condition", Ours: present(kind, ours), Theirs: present(kind, theirs)}, kind == api.ConditionInvalidSpecError && c.disputed(), c.conditionBecause(kind, ours[kind]))
	}
	for _, condition := range c.result.Ours.Conditions {
		if !slices.Contains(known, condition.Type) {
			c.add(Difference{What: "condition", Ours: string(condition.Type)}, false, byOneself)
		}
	}
}

func (c *comparison) conditionBecause(kind api.ConditionType, ours bool) string {
	refused := slices.ContainsFunc(c.found.Objects, func(o Object) bool { return o.Err != nil })
	if kind == api.ConditionComparisonError && ours && refused && c.found.Status.Sync.Status != api.SyncCodeUnknown {
		return byDryRun
	}
	return ""
}

func typesOf(conditions []Condition) map[api.ConditionType]bool {
	types := map[api.ConditionType]bool{}
	for _, c := range conditions {
		types[c.Type] = true
	}
	return types
}

func present(kind api.ConditionType, in map[api.ConditionType]bool) string {
	if in[kind] {
		return string(kind)
	}
	return ""
}

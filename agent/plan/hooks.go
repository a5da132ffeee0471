package plan

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Hook is an object that is not kept in the cluster but made at moments of a
// sync, or of an Application's deletion (SEMANTICS.md 2.2).
type Hook struct {
	Object *manifest.Object
	// Types are the moments, each once, in the order of the phases. There are none
	// if the annotation holds only unknown words: such a hook never runs.
	Types []api.HookType
	// Policies say when the object is deleted.
	Policies Policies
}

// Policies are the delete policies of a hook.
type Policies struct{ BeforeCreation, Succeeded, Failed bool }

// hookOrder is the order of the moments.
var hookOrder = []api.HookType{
	api.HookPreDelete, api.HookPreSync, api.HookSync, api.HookPostSync, api.HookSyncFail, api.HookPostDelete,
}

// Split parts what an Application states into the objects to keep and the
// hooks. Objects that are neither are dropped: those that say Skip, and those
// of Helm's tests and rollbacks. Helm's install hooks are of a first
// sync only, its upgrade hooks of all later ones (DESIGN.md 4): upgrade says
// which it is.
func Split(set manifest.Set, upgrade bool) (objects manifest.Set, hooks []Hook) {
	for _, o := range set {
		types, isHook := hookTypes(o.Annotations, upgrade)
		switch {
		case !isHook:
			objects = append(objects, o)
		case slices.Contains(types, api.HookSkip):
		case len(types) == 0 && o.Annotations[api.AnnotationHook] == "": // Helm's, of another moment
		default:
			hooks = append(hooks, Hook{Object: o, Types: types, Policies: ParsePolicies(
				o.Annotations[api.AnnotationHookDeletePolicy], o.Annotations[api.AnnotationHelmHookDeletePolicy])})
		}
	}
	return objects, hooks
}

// hookTypes reads the moments. Argo CD's annotation counts before Helm's, if it
// holds a word that it knows. Skip counts alone.
func hookTypes(annotations map[string]string, upgrade bool) (types []api.HookType, isHook bool) {
	words := api.ParseList(annotations[api.AnnotationHook])
	for _, word := range words {
		if t := api.HookType(word); t.Known() && (t != api.HookSkip || len(words) == 1) {
			types = append(types, t)
		}
	}
	if len(types) > 0 {
		return inOrder(types), true
	}
	types, isHook = helmTypes(api.ParseList(annotations[api.AnnotationHelmHook]), upgrade)
	return inOrder(types), isHook || len(words) > 0
}

// helmMoments maps Helm's words. Its tests and rollbacks are no moment of ours.
var helmMoments = map[string]api.HookType{
	"pre-install": api.HookPreSync, "pre-upgrade": api.HookPreSync,
	"post-install": api.HookPostSync, "post-upgrade": api.HookPostSync,
	"pre-delete": api.HookPreDelete, "post-delete": api.HookPostDelete,
}

// helmTypes reads Helm's annotation. An object that is only of crd-install is an
// ordinary one.
func helmTypes(words []string, upgrade bool) (types []api.HookType, isHook bool) {
	for _, word := range words {
		isHook = isHook || word != "crd-install"
		other := upgrade && strings.HasSuffix(word, "-install") || !upgrade && strings.HasSuffix(word, "-upgrade")
		if t, ok := helmMoments[word]; ok && !other {
			types = append(types, t)
		}
	}
	return types, isHook
}

func inOrder(types []api.HookType) []api.HookType {
	slices.SortFunc(types, func(a, b api.HookType) int {
		return cmp.Compare(slices.Index(hookOrder, a), slices.Index(hookOrder, b))
	})
	return slices.Compact(types)
}

// helmPolicies are Helm's words for the delete policies.
var helmPolicies = map[string]api.HookDeletePolicy{
	"before-hook-creation": api.HookDeleteBeforeCreation,
	"hook-succeeded":       api.HookDeleteSucceeded,
	"hook-failed":          api.HookDeleteFailed,
}

// ParsePolicies reads the two annotations of delete policies, whose words add
// up; BeforeHookCreation if there is none.
func ParsePolicies(argo, helm string) Policies {
	var p Policies
	for _, word := range append(api.ParseList(argo), api.ParseList(helm)...) {
		policy := api.HookDeletePolicy(word)
		if known, ok := helmPolicies[word]; ok {
			policy = known
		}
		p.BeforeCreation = p.BeforeCreation || policy == api.HookDeleteBeforeCreation
		p.Succeeded = p.Succeeded || policy == api.HookDeleteSucceeded
		p.Failed = p.Failed || policy == api.HookDeleteFailed
	}
	if p == (Policies{}) {
		p.BeforeCreation = true
	}
	return p
}

// phaseOf is the phase of a sync, or the stage of a deletion, in which hooks of a
// type run.
func phaseOf(t api.HookType) api.SyncPhase { return api.SyncPhase(t) }

// phases are those of a sync and of a deletion, in their order.
var phases = []api.SyncPhase{
	api.PhasePreDelete, api.PhasePreSync, api.PhaseSync, api.PhasePostSync, api.PhaseSyncFail, api.PhasePostDelete,
}

// HookName is what a hook's object is called in one run of it: its name, or its
// generateName with what is the same whenever this run is resumed
// (SEMANTICS.md 2.2). Revision is a commit, version or digest, at is in seconds since 1970, retry is 0
// at first.
func HookName(o *manifest.Object, revision string, t api.HookType, at, retry int64) string {
	if o.Key.Name != "" {
		return o.Key.Name
	}
	meta, _ := o.Body()["metadata"].(map[string]any)
	prefix, _ := meta["generateName"].(string)
	name := prefix + strings.ToLower(fmt.Sprintf("%s-%s-%d", inName(revision), t, at))
	if retry > 0 { // runs the hook anew
		name += fmt.Sprintf("-%d", retry)
	}
	return name
}

// unnameable is what no name of an object has.
var unnameable = regexp.MustCompile(`[^a-z0-9.]+`)

// inName is the beginning of a revision as a name may hold it.
func inName(revision string) string {
	short := fmt.Sprintf("%.7s", strings.TrimPrefix(revision, "sha256:"))
	return strings.Trim(unnameable.ReplaceAllString(strings.ToLower(short), "-"), "-.")
}

package project

import (
	"cmp"
	"errors"
	"slices"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Orphans are the project's rules on objects of no application: which of them are
// worth a word. See Rules.Orphans.
type Orphans struct {
	// Warn says that Applications are to have a condition.
	Warn   bool
	ignore []orphan
}

// An orphan is one entry of spec.orphanedResources.ignore: globs, of which no kind
// and no name is any, and no group the core group.
type orphan struct{ group, kind, name *glob.Pattern }

// newOrphans reads the block. An entry that cannot be read ignores nothing, which
// Lint says: it is no reason to stop syncs.
func newOrphans(written *api.OrphanedResources) *Orphans {
	if written == nil {
		return nil
	}
	o := &Orphans{Warn: written.Warn != nil && *written.Warn}
	for _, e := range written.Ignore {
		if entry, err := newOrphan(e); err == nil {
			o.ignore = append(o.ignore, entry)
		}
	}
	return o
}

func newOrphan(e api.OrphanedResource) (o orphan, err error) {
	var errs [3]error
	o.group, errs[0] = newGlob(e.Group)
	o.kind, errs[1] = newGlob(cmp.Or(e.Kind, "*"))
	o.name, errs[2] = newGlob(cmp.Or(e.Name, "*"))
	return o, errors.Join(errs[:]...)
}

func (o orphan) matches(key manifest.Key) bool {
	return o.group.Match(key.Group) && o.kind.Match(key.Kind) && o.name.Match(key.Name)
}

// Orphans returns the rules of spec.orphanedResources, nil if the project does not
// ask for them.
func (r *Rules) Orphans() *Orphans { return r.orphans }

// OrphanKind says that objects of a namespaced kind may be orphans: the project
// could have them, at that destination.
func (r *Rules) OrphanKind(kind schema.GroupKind, dest api.Destination) bool {
	return r.Live(manifest.Key{Group: kind.Group, Kind: kind.Kind, Namespace: dest.Namespace}, dest).Allowed
}

// Reports says that an object of no application is worth a word: it is not one
// that every namespace has, and not ignored (SEMANTICS.md 1.8).
func (o *Orphans) Reports(key manifest.Key) bool {
	switch (manifest.Key{Group: key.Group, Kind: key.Kind, Name: key.Name}) {
	case manifest.Key{Kind: "ServiceAccount", Name: "default"}, manifest.Key{Kind: "ConfigMap", Name: "kube-root-ca.crt"}:
		return false
	case manifest.Key{Kind: "Service", Name: "kubernetes"}:
		return key.Namespace != "default"
	}
	return !slices.ContainsFunc(o.ignore, func(e orphan) bool { return e.matches(key) })
}

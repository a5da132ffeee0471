package resolve

import (
	"fmt"

	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The annotations of an Application that override the rule, with a [Mode] as
// value.
const (
	AnnotationSealed   = "tidelock.io/sealed-secrets"
	AnnotationExternal = "tidelock.io/external-secrets"
)

// A Mode says who makes Secrets of a kind.
type Mode string

const (
	// Auto leaves a kind to its controller if the destination serves it and the
	// controller is there, and resolves it otherwise. It is the zero Mode.
	Auto Mode = ""
	// Resolve makes the Secrets here, whatever the destination serves.
	Resolve Mode = "resolve"
	// Apply leaves the objects as they are.
	Apply Mode = "apply"
)

// ParseMode reads a Mode: "resolve", "apply", or "auto".
func ParseMode(text string) (Mode, error) {
	switch mode := Mode(text); mode {
	case "auto", Auto:
		return Auto, nil
	case Resolve, Apply:
		return mode, nil
	}
	return Auto, fmt.Errorf("%q is neither resolve nor apply nor auto", text)
}

// modes are those of one run.
type modes struct {
	sealed, external   Mode
	served, controlled func(schema.GroupKind) bool
}

// resolves reports whether the kind is resolved here.
func (m modes) resolves(kind schema.GroupKind) bool {
	mode := m.external
	if kind.Group == sealedGroup {
		mode = m.sealed
	}
	return mode == Resolve || mode == Auto && !m.controlled(kind)
}

// beside reports whether an object of a kind that is resolved here is applied as
// well. Where its kind is served and nobody acts on it, people look for it, and
// its controller may come back; where there is one, it would make the Secret
// another time.
func (m modes) beside(kind schema.GroupKind) bool {
	return kind.Group == sealedGroup && m.served(kind) && !m.controlled(kind)
}

func (s *Stage) modes(app Application, set manifest.Set, served func(schema.GroupKind) bool) (modes, error) {
	m := modes{sealed: s.now().sealed, external: s.External}
	for annotation, mode := range map[string]*Mode{AnnotationSealed: &m.sealed, AnnotationExternal: &m.external} {
		text, stated := app.Annotations[annotation]
		if !stated {
			continue
		}
		var err error
		if *mode, err = ParseMode(text); err != nil {
			return m, fmt.Errorf("annotation %s: %w", annotation, err)
		}
	}
	brought := definitions(set)
	m.served = func(kind schema.GroupKind) bool { return brought[kind] || served(kind) }
	m.controlled = func(kind schema.GroupKind) bool {
		// A set that brings the definition brings the controller.
		return brought[kind] || served(kind) && (app.Controlled == nil || app.Controlled(kind))
	}
	return m, nil
}

// definitions lists the kinds whose CustomResourceDefinition is in the set: what
// the same sync brings will be served.
func definitions(set manifest.Set) map[schema.GroupKind]bool {
	out := map[schema.GroupKind]bool{}
	for _, o := range set {
		if o.Key.Group != "apiextensions.k8s.io" || o.Key.Kind != "CustomResourceDefinition" {
			continue
		}
		spec, _ := o.Body()["spec"].(map[string]any)
		group, _ := spec["group"].(string)
		names, _ := spec["names"].(map[string]any)
		kind, _ := names["kind"].(string)
		out[schema.GroupKind{Group: group, Kind: kind}] = true
	}
	return out
}

package manifest

import (
	"cmp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Key names an object in a cluster, whatever version it is read in.
type Key struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String prints as "apps/Deployment shop/web", "Namespace shop".
func (k Key) String() string {
	var b strings.Builder
	if k.Group != "" {
		b.WriteString(k.Group + "/")
	}
	b.WriteString(k.Kind + " ")
	if k.Namespace != "" {
		b.WriteString(k.Namespace + "/")
	}
	b.WriteString(k.Name)
	return b.String()
}

// GroupKind returns the kind with its group.
func (k Key) GroupKind() schema.GroupKind { return schema.GroupKind{Group: k.Group, Kind: k.Kind} }

// Compare orders keys by namespace, group, kind and name.
func (k Key) Compare(l Key) int {
	return cmp.Or(
		strings.Compare(k.Namespace, l.Namespace),
		strings.Compare(k.Group, l.Group),
		strings.Compare(k.Kind, l.Kind),
		strings.Compare(k.Name, l.Name),
	)
}

// An Origin says where an object was read: for errors, and for people.
type Origin struct {
	// Source counts from 1 the sources of an Application; 0 if it has one only.
	Source int `json:"source,omitempty"`
	// File is relative to the repository's root, "" if a renderer did not say.
	File string `json:"file,omitempty"`
	// Line counts from 1; 0 is unknown.
	Line int `json:"line,omitempty"`
}

// String prints as "apps/api/base/deployment.yaml:12", "source 2: base.yaml:1".
func (o Origin) String() string {
	at := o.File
	switch {
	case at == "":
		at = "rendered manifests"
	case o.Line > 0:
		at += ":" + strconv.Itoa(o.Line)
	}
	if o.Source > 0 {
		at = "source " + strconv.Itoa(o.Source) + ": " + at
	}
	return at
}

package api

import (
	"errors"
	"fmt"
	"strings"
)

// TrackingID is the value of [AnnotationTrackingID]: an application, and the object
// that the annotation was written on.
type TrackingID struct {
	// App is what [InstanceName] returns.
	App string
	// Group is empty for the core group.
	Group string
	Kind  string
	// Namespace is, for a cluster-scoped object, the application's destination namespace.
	Namespace string
	Name      string
}

// ErrTrackingID means that a text is no tracking id. The object is then nobody's.
var ErrTrackingID = errors.New("not a tracking id (app:group/Kind:namespace/name)")

// maxTrackingID bounds a tracking id, in bytes. Its parts are Kubernetes names, which
// together are far shorter.
const maxTrackingID = 2048

// String returns app:group/Kind:namespace/name, as Argo CD writes it.
func (t TrackingID) String() string {
	return t.App + ":" + t.Group + "/" + t.Kind + ":" + t.Namespace + "/" + t.Name
}

// ParseTrackingID is the inverse of [TrackingID.String]. Any error is ErrTrackingID.
func ParseTrackingID(s string) (TrackingID, error) {
	if len(s) > maxTrackingID {
		return TrackingID{}, fmt.Errorf("%d bytes: %w", len(s), ErrTrackingID)
	}
	// The name may hold colons (RBAC roles do), the other parts may not.
	parts := strings.SplitN(s, ":", 3)
	if len(parts) != 3 {
		return TrackingID{}, fmt.Errorf("%q: %w", clip(s), ErrTrackingID)
	}
	group, kind, ok := cutOnce(parts[1])
	namespace, name, ok2 := cutOnce(parts[2])
	if !ok || !ok2 {
		return TrackingID{}, fmt.Errorf("%q: %w", clip(s), ErrTrackingID)
	}
	return TrackingID{App: parts[0], Group: group, Kind: kind, Namespace: namespace, Name: name}, nil
}

// cutOnce cuts s at its slash. It reports false unless there is exactly one.
func cutOnce(s string) (before, after string, ok bool) {
	before, after, ok = strings.Cut(s, "/")
	return before, after, ok && !strings.Contains(after, "/")
}

// IsOf reports whether the id was written for this object. If not, the annotation was
// copied from another object, and does not make this one the application's. Namespace
// is empty for cluster-scoped objects.
func (t TrackingID) IsOf(group, kind, namespace, name string) bool {
	return t.Group == group && t.Kind == kind && t.Name == name &&
		(namespace == "" || t.Namespace == namespace)
}

// InstanceName is what an application is called in tracking ids: its name, or
// <namespace>_<name> if it lives outside the agent's own namespace.
func InstanceName(namespace, name, agentNamespace string) string {
	if namespace == "" || namespace == agentNamespace {
		return name
	}
	return namespace + "_" + name
}

// ParseInstanceName is the inverse of [InstanceName]. Kubernetes names hold no
// underscore, so the first one is the separator.
func ParseInstanceName(instance, agentNamespace string) (namespace, name string) {
	if namespace, name, ok := strings.Cut(instance, "_"); ok {
		return namespace, name
	}
	return agentNamespace, instance
}

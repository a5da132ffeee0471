package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Tracking is how another agent, beside which this one only looks on, says on objects
// whose they are (SEMANTICS.md 2.4). The zero value is that there is none.
//
// Nothing has our label then, and with annotations there is none to select by: watches
// tell of all objects of the kinds that Applications state. Still only records are kept,
// of those that are an Application's.
type Tracking struct {
	// Annotation: by Argo CD's tracking id.
	Annotation bool
	// Label is the key of the label with the Application's name, which counts if there
	// are no annotations.
	Label string
	// Reckon: what a dry run would be asked for is reckoned here (see diff.Foretell).
	Reckon bool
}

// Beside says that there is another agent.
func (t Tracking) Beside() bool { return t.Annotation || t.Label != "" }

// Reckons says that this cluster is asked for no dry runs.
func (c *Cluster) Reckons() bool { return c.ruled().Beside.Reckon }

// selector selects what watches tell of.
func (c *Cluster) selector() string {
	if c.ruled().Beside.Beside() {
		return ""
	}
	return api.LabelApp
}

// owner names the application of an object, by the marks of this agent, or of the other
// that it looks on at.
func (c *Cluster) owner(key manifest.Key, u *unstructured.Unstructured) string {
	rules := c.ruled()
	if !rules.Beside.Beside() {
		return owner(key, u.GetLabels(), u.GetAnnotations(), rules.Installation)
	}
	app, marked := rules.markedBy(key, u)
	if !marked && len(u.GetOwnerReferences()) == 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.expected[key]
	}
	return app
}

// markedBy reads the other agent's marks. An annotation that was copied from another
// object makes this one nobody's, and what has an owner is that one's.
func (r Rules) markedBy(key manifest.Key, u *unstructured.Unstructured) (app string, marked bool) {
	if !r.Beside.Annotation {
		app = u.GetLabels()[r.Beside.Label]
		if len(u.GetOwnerReferences()) > 0 {
			return "", app != ""
		}
		return app, app != ""
	}
	annotations := u.GetAnnotations()
	text := annotations[api.AnnotationTrackingID]
	id, err := api.ParseTrackingID(text)
	switch {
	case text == "":
		return "", false
	case err != nil, !id.IsOf(key.Group, key.Kind, key.Namespace, key.Name),
		r.Installation != "" && annotations[api.AnnotationInstallationID] != r.Installation:
		return "", true
	}
	return id.App, true
}

// touchedAt is when somebody last wrote to an object, as managedFields tells.
func touchedAt(u *unstructured.Unstructured) int64 {
	last := u.GetCreationTimestamp().Unix()
	for _, entry := range u.GetManagedFields() {
		if entry.Time != nil {
			last = max(last, entry.Time.Unix())
		}
	}
	return last
}

// Expect says which objects an application states, beside another agent: one that bears
// no mark, such as a definition, or what that agent has not applied yet, is known for the
// application's by that. Those that are new are read once, and so are those that are
// expected no more, for then only their marks count; from then on watches tell.
func (c *Cluster) Expect(ctx context.Context, app string, set manifest.Set) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(reading)
	for key, version := range c.newlyExpected(app, set) {
		g.Go(func() error {
			gvk := key.GroupKind().WithVersion(version)
			object, err := c.Get(ctx, gvk, key.Namespace, key.Name)
			switch {
			case apierrors.IsNotFound(err), errors.Is(err, ErrKind):
				return nil
			case err != nil:
				return fmt.Errorf("read %s: %w", key, err)
			}
			c.ingest(gvk, object)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		c.unexpect(app) // to be read anew
		return err
	}
	return nil
}

// newlyExpected notes what is expected, and returns what is to be read, with its
// version. What another application is expected to have stays expected of that.
func (c *Cluster) newlyExpected(app string, set manifest.Set) map[manifest.Key]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	read := map[manifest.Key]string{}
	wanted := make(map[manifest.Key]bool, len(set))
	for _, o := range set {
		if o.Key.Name == "" {
			continue // a hook with a generateName: nobody knows what it was called
		}
		wanted[o.Key] = true
		if _, known := c.expected[o.Key]; known {
			continue
		}
		if c.expected[o.Key] = app; c.records[o.Key] == nil {
			read[o.Key] = o.Version
		}
	}
	for key, of := range c.expected {
		if of != app || wanted[key] {
			continue
		}
		delete(c.expected, key)
		if live := c.records[key]; live != nil {
			read[key] = live.Version
		}
	}
	return read
}

// unexpect forgets what an application states.
func (c *Cluster) unexpect(app string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.expected, func(_ manifest.Key, of string) bool { return of == app })
}

package cluster

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// ingest takes an object that a watch, or the answer to an apply, has brought.
func (c *Cluster) ingest(gvk schema.GroupVersionKind, object map[string]any) {
	live := c.record(gvk, object)
	c.mu.Lock()
	app, changed := c.keep(live)
	c.mu.Unlock()
	if changed {
		c.changed(app, drifted(live))
	}
}

// drifted says that a record departs from its baseline.
func drifted(live *diff.Live) bool {
	return live.Baseline.Digest != "" && live.Baseline.Digest != live.Digest && live.Baseline.Drifted != live.Digest
}

// record reduces an object. App is empty if it is not ours.
func (c *Cluster) record(gvk schema.GroupVersionKind, object map[string]any) *diff.Live {
	u := &unstructured.Unstructured{Object: object}
	live := &diff.Live{
		Key:             manifest.Key{Group: gvk.Group, Kind: gvk.Kind, Namespace: u.GetNamespace(), Name: u.GetName()},
		Version:         gvk.Version,
		UID:             string(u.GetUID()),
		ResourceVersion: u.GetResourceVersion(),
		Deleting:        u.GetDeletionTimestamp() != nil,
	}
	annotations := u.GetAnnotations()
	live.App = owner(live.Key, u.GetLabels(), annotations)
	if live.App == "" {
		return live
	}
	live.Wave = api.SyncWave(annotations)
	live.Options = annotations[api.AnnotationSyncOptions]
	live.Keep = annotations[api.AnnotationHelmResourcePolicy] == api.HelmResourcePolicyKeep
	live.Unmonitored = annotations[api.AnnotationIgnoreHealthCheck] == "true"
	live.Health = health.Of(object)
	live.Digest = c.digest(gvk, object)
	return live
}

// digest is "" if the object has no entry of ours, or one of another version
// (DRIFT.md rule 6): then a dry run decides.
func (c *Cluster) digest(gvk schema.GroupVersionKind, object map[string]any) string {
	digest, err := diff.Digest(c.key, gvk.GroupVersion().String(), object)
	if err != nil {
		c.log.Warn("cannot read managedFields", "kind", gvk.Kind, "error", err)
	}
	return digest
}

// owner names the application that an object says it belongs to. It is ours if
// the label is there and the tracking id names this very object, for children
// copy both (DRIFT.md rule 9). A CustomResourceDefinition has no tracking id.
func owner(key manifest.Key, labels, annotations map[string]string) string {
	label := labels[api.LabelApp]
	if label == "" || key.Kind == "CustomResourceDefinition" {
		return label
	}
	id, err := api.ParseTrackingID(annotations[api.AnnotationTrackingID])
	if err != nil || !id.IsOf(key.Group, key.Kind, key.Namespace, key.Name) {
		return ""
	}
	return id.App
}

// keep stores a record unless a newer one is known. It reports whose it is, and
// whether anything that matters has changed. The caller holds c.mu.
func (c *Cluster) keep(live *diff.Live) (app string, changed bool) {
	old := c.records[live.Key]
	if olderThan(live.ResourceVersion, c.gone[live.Key]) {
		return "", false
	}
	if old != nil {
		if olderThan(live.ResourceVersion, old.ResourceVersion) {
			return "", false
		}
		if old.Digest != "" && live.Digest == "" && old.Version != live.Version && old.App == live.App {
			return "", false // the version that Git uses is watched as well
		}
		if old.UID == live.UID {
			live.Baseline = old.Baseline
		}
		if old.App != live.App {
			c.drop(old)
		}
	}
	if live.App == "" {
		return "", false
	}
	c.records[live.Key] = live
	if c.byApp[live.App] == nil {
		c.byApp[live.App] = map[manifest.Key]struct{}{}
	}
	c.byApp[live.App][live.Key] = struct{}{}
	delete(c.gone, live.Key)
	return live.App, old == nil || differs(old, live)
}

// differs says that a pass over the application may come to another result.
func differs(a, b *diff.Live) bool {
	return a.Digest != b.Digest || a.Health != b.Health || a.Deleting != b.Deleting ||
		a.Options != b.Options || a.App != b.App || a.UID != b.UID
}

// drop forgets a record. The caller holds c.mu.
func (c *Cluster) drop(live *diff.Live) {
	delete(c.records, live.Key)
	delete(c.byApp[live.App], live.Key)
	if len(c.byApp[live.App]) == 0 {
		delete(c.byApp, live.App)
	}
}

// replace takes a whole listing: what it lacks is gone.
func (c *Cluster) replace(gvk schema.GroupVersionKind, list []any) {
	apps := map[string]bool{}
	listed := map[manifest.Key]bool{}
	for _, item := range list {
		live := c.record(gvk, item.(*unstructured.Unstructured).Object)
		listed[live.Key] = true
		c.mu.Lock()
		if app, changed := c.keep(live); changed {
			apps[app] = true
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	for key, live := range c.records {
		if key.GroupKind() == gvk.GroupKind() && live.Version == gvk.Version && !listed[key] {
			c.drop(live)
			apps[live.App] = true
		}
	}
	c.mu.Unlock()
	for app := range apps {
		c.changed(app, false)
	}
}

// olderThan compares resource versions; what cannot be compared is not older.
func olderThan(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

package cluster

import (
	"slices"
	"strings"
	"unique"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/agent/rollout"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// ingest takes an object that a watch has brought.
func (c *Cluster) ingest(gvk schema.GroupVersionKind, object map[string]any) {
	rules := c.ruled()
	c.take(c.reduce(gvk, object))
	c.outdate(gvk, rules)
}

// take keeps a record, if it is of an object of ours, and tells whom it concerns.
func (c *Cluster) take(live *diff.Live) {
	c.mu.Lock()
	apps := c.keep(live)
	c.mu.Unlock()
	c.tell(apps, drifted(live))
}

func (c *Cluster) tell(apps []string, drifted bool) {
	for _, app := range apps {
		c.changed(app, drifted)
	}
}

// drifted says that a record departs from its baseline.
func drifted(live *diff.Live) bool {
	return live.Baseline.Digest != "" && live.Baseline.Digest != live.Digest && live.Judged.Digest != live.Digest
}

// reduce makes a record of an object. Of one that is not ours, and was not, the
// record says no more than that: children copy our marks, and are many.
func (c *Cluster) reduce(gvk schema.GroupVersionKind, object map[string]any) *diff.Live {
	live := c.identify(gvk, object)
	if live.App != "" || c.holds(live) {
		c.fill(live, gvk, object)
	}
	return live
}

// holds says that there is a record of this very object.
func (c *Cluster) holds(live *diff.Live) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.records[live.Key]
	return old != nil && old.UID == live.UID
}

// identify reads which object this is, and whose.
func (c *Cluster) identify(gvk schema.GroupVersionKind, object map[string]any) *diff.Live {
	u := &unstructured.Unstructured{Object: object}
	live := &diff.Live{
		Key:             manifest.Key{Group: gvk.Group, Kind: gvk.Kind, Namespace: once(u.GetNamespace()), Name: u.GetName()},
		Version:         gvk.Version,
		UID:             string(u.GetUID()),
		ResourceVersion: u.GetResourceVersion(),
		Deleting:        u.GetDeletionTimestamp() != nil,
	}
	live.App = once(c.owner(live.Key, u))
	return live
}

// once returns the one copy of a text that many records share.
func once(text string) string { return unique.Make(text).Value() }

// fill reads all else that a record holds.
func (c *Cluster) fill(live *diff.Live, gvk schema.GroupVersionKind, object map[string]any) {
	u := &unstructured.Unstructured{Object: object}
	annotations := u.GetAnnotations()
	live.Wave = api.SyncWave(annotations)
	live.Options = joined(annotations[api.AnnotationSyncOptions], borrowed(u))
	live.CompareOptions = annotations[api.AnnotationCompareOptions]
	live.Hook = api.IsHook(annotations)
	live.HookPolicies = joined(annotations[api.AnnotationHookDeletePolicy], annotations[api.AnnotationHelmHookDeletePolicy])
	live.Operation = annotations[api.AnnotationOperation]
	live.Finalizer = slices.Contains(u.GetFinalizers(), api.FinalizerHook)
	live.Created = u.GetCreationTimestamp().Unix()
	if at := u.GetDeletionTimestamp(); at != nil {
		live.Deleted, live.Finalizers = askedAt(u, at.Unix()), strings.Join(u.GetFinalizers(), ", ")
	}
	live.Keep = annotations[api.AnnotationHelmResourcePolicy] == api.HelmResourcePolicyKeep
	live.Unmonitored = annotations[api.AnnotationIgnoreHealthCheck] == "true"
	live.Health = health.Of(object, c.ruled().Health.Judge)
	live.Vague = health.Vague(object)
	live.Rollout = rollout.Read(object)
	live.Ignored = c.ignored(live, object, nil)
	live.Digest = c.digest(gvk, object, live.Ignored)
	if c.ruled().Beside.Beside() {
		live.Touched = touchedAt(u)
	}
}

// askedAt is when a deletion was asked for: its timestamp is when the object's
// grace ends.
func askedAt(u *unstructured.Unstructured, timestamp int64) int64 {
	if grace := u.GetDeletionGracePeriodSeconds(); grace != nil {
		return timestamp - *grace
	}
	return timestamp
}

// joined joins two lists of words, of which most often both are empty.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "," + b
}

// digest is "" if the object has no entry of ours, or one of another version
// (DRIFT.md rule 6): then a dry run decides.
// Beside another agent it is of all that the object states: nothing is ours.
func (c *Cluster) digest(gvk schema.GroupVersionKind, object map[string]any, ignored *diff.Places) string {
	if c.ruled().Beside.Beside() {
		return diff.Content(ignored, c.key, object)
	}
	digest, err := diff.DigestBut(ignored, c.key, gvk.GroupVersion().String(), object)
	if err != nil {
		c.log.Warn("cannot read managedFields", "kind", gvk.Kind, "error", err)
	}
	return digest
}

// owner names the application that an object says it belongs to. It is ours if
// the label is there and the tracking id names this very object, for children
// copy both (DRIFT.md rule 9). A CustomResourceDefinition has no tracking id. An
// object of another installation is not ours, if this one has a name
// (SEMANTICS.md 2.4).
func owner(key manifest.Key, labels, annotations map[string]string, installation string) string {
	label := labels[api.LabelApp]
	switch {
	case label == "" || key.Kind == "CustomResourceDefinition":
		return label
	case installation != "" && annotations[api.AnnotationInstallationID] != installation:
		return ""
	}
	id, err := api.ParseTrackingID(annotations[api.AnnotationTrackingID])
	if err != nil || !id.IsOf(key.Group, key.Kind, key.Namespace, key.Name) {
		return ""
	}
	return id.App
}

// keep stores a record unless a newer one is known. It returns the applications
// for which something that matters has changed. The caller holds c.mu.
func (c *Cluster) keep(live *diff.Live) (apps []string) {
	old := c.records[live.Key]
	switch {
	case olderThan(live.ResourceVersion, c.gone[live.Key]):
		return nil
	case old == nil && live.App == "":
		return nil
	case old == nil:
	case olderThan(live.ResourceVersion, old.ResourceVersion):
		return nil
	case old.Digest != "" && live.Digest == "" && old.Version != live.Version && old.App == live.App:
		return nil // the version that Git uses is watched as well
	case old.UID == live.UID:
		live.Baseline, live.Judged = old.Baseline, old.Judged
		if live.Digest == live.Baseline.Digest {
			live.Digest = live.Baseline.Digest // the same memory
		}
	case live.App == "": // ours is gone, and this is nobody's
		c.drop(old)
		return c.concerns(old)
	}
	if old != nil {
		c.drop(old)
	}
	c.add(live)
	if old != nil && !differs(old, live) {
		return nil
	}
	return c.concerns(old, live)
}

// differs says that a pass over the application may come to another result.
func differs(a, b *diff.Live) bool {
	x, y := *a, *b
	x.ResourceVersion, y.ResourceVersion = "", ""
	x.Ignored, y.Ignored = nil, nil
	x.Touched, y.Touched = 0, 0
	return x != y
}

// owners names the applications of records, each once.
func owners(records ...*diff.Live) (apps []string) {
	for _, live := range records {
		if live != nil && live.App != "" && !slices.Contains(apps, live.App) {
			apps = append(apps, live.App)
		}
	}
	return apps
}

// concerns names the applications of records, and those that want the place of
// one for themselves, which are told once for every look they take (see
// Snapshot). The caller holds c.mu.
func (c *Cluster) concerns(records ...*diff.Live) []string {
	apps := owners(records...)
	for _, live := range records {
		if live != nil {
			apps = append(apps, c.rivals[live.Key]...)
			delete(c.rivals, live.Key)
		}
	}
	return apps
}

// rival notes that app states an object that is another's. The caller holds c.mu.
func (c *Cluster) rival(key manifest.Key, app string) {
	if !slices.Contains(c.rivals[key], app) {
		c.rivals[key] = append(c.rivals[key], app)
	}
}

// add stores a record. The caller holds c.mu.
func (c *Cluster) add(live *diff.Live) {
	c.records[live.Key] = live
	delete(c.gone, live.Key)
	if live.App == "" {
		return
	}
	if c.byApp[live.App] == nil {
		c.byApp[live.App] = map[manifest.Key]struct{}{}
	}
	c.byApp[live.App][live.Key] = struct{}{}
}

// drop forgets a record. The caller holds c.mu.
func (c *Cluster) drop(live *diff.Live) {
	delete(c.records, live.Key)
	delete(c.byApp[live.App], live.Key)
	if len(c.byApp[live.App]) == 0 {
		delete(c.byApp, live.App)
	}
}

// replace takes a whole listing, as of a resourceVersion. What it lacks is in
// doubt, unless it is newer than the listing.
func (c *Cluster) replace(of feed, list []*diff.Live, version string) {
	c.replaceSome(list, version, of.has, of.gvk)
}

// replaceSome is replace with a listing of some objects of a kind.
func (c *Cluster) replaceSome(list []*diff.Live, version string, has func(*diff.Live) bool, gvk schema.GroupVersionKind) {
	listed := make(map[manifest.Key]bool, len(list))
	for _, live := range list {
		listed[live.Key] = live.App != "" || c.holds(live)
		c.take(live)
	}
	var missing []*diff.Live
	c.mu.Lock()
	for key, live := range c.records {
		if has(live) && !listed[key] && !olderThan(version, live.ResourceVersion) {
			missing = append(missing, live)
		}
	}
	c.mu.Unlock()
	for _, live := range missing {
		c.doubt(gvk, live)
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

package blast

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A comparison is of one Application.
type comparison struct {
	pair          *Pair
	moves         *moves
	before, after map[manifest.Key]*manifest.Object
	// renamed are old objects by the new one that takes their place, generated those
	// of them whose name tells their content.
	renamed   map[manifest.Key]*manifest.Object
	generated map[manifest.Key]bool
	replaced  map[manifest.Key]bool // old objects that are in renamed
	names     map[string]string     // of generated objects: the new one of each old one
	abandons  bool                  // what was stated is in another cluster than what is
}

func newComparison(p *Pair, moves *moves) *comparison {
	c := &comparison{
		pair: p, moves: moves, before: keyed(p.Before.Set), after: keyed(p.After.Set),
		renamed: map[manifest.Key]*manifest.Object{}, generated: map[manifest.Key]bool{},
		replaced: map[manifest.Key]bool{}, names: map[string]string{},
	}
	c.abandons = p.Before.App != nil && p.After.App != nil && clusterOf(p.Before.App) != clusterOf(p.After.App)
	if !c.abandons {
		c.pairGenerated()
		c.pairRenamed()
	}
	return c
}

// keyed are the objects by what they are known by. Of one that is named when it is
// made, that is the beginning of its name.
func keyed(set manifest.Set) map[manifest.Key]*manifest.Object {
	all := make(map[manifest.Key]*manifest.Object, len(set))
	for _, o := range set {
		all[keyOf(o)] = o
	}
	return all
}

func keyOf(o *manifest.Object) manifest.Key {
	key := o.Key
	if key.Name == "" {
		meta, _ := o.Body()["metadata"].(map[string]any)
		prefix, _ := meta["generateName"].(string)
		key.Name = prefix + "*"
	}
	return key
}

// changes are the objects that differ, in the order of their keys.
func (c *comparison) changes() []Change {
	list := []Change{}
	for key, o := range c.after {
		if change, ok := c.stated(key, o); ok {
			list = append(list, change)
		}
	}
	for key, o := range c.before {
		if (c.after[key] == nil || c.abandons) && !c.replaced[key] {
			list = append(list, c.gone(key, o))
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return cmp.Or(a.Key.Compare(b.Key), cmp.Compare(a.Action, b.Action)) })
	return list
}

// stated says what becomes of an object that is stated now.
func (c *comparison) stated(key manifest.Key, o *manifest.Object) (Change, bool) {
	change := Change{Key: key, Origin: originOf(o), Hook: isHook(o)}
	was := c.before[key]
	switch giver := c.moves.giver(c.pair, key); {
	case was != nil && !c.abandons:
		change.Action = Update
	case c.renamed[key] != nil:
		was = c.renamed[key]
		from := keyOf(was)
		change.From, change.Action, change.Danger = &from, Rename, danger(from)
		if c.generated[key] {
			change.Action = Generate
		}
	case giver != nil:
		was = giver.object
		change.Action, change.Peer = Receive, giver.name
	default:
		change.Action = Create
		return change, true
	}
	var refers bool
	change.Fields, refers = c.fields(was, o)
	if len(change.Fields) == 0 && change.Action == Update {
		change.Action = Refer
		return change, refers
	}
	return change, true
}

// gone says what becomes of an object that is no longer stated.
func (c *comparison) gone(key manifest.Key, o *manifest.Object) Change {
	change := Change{Key: key, Action: Delete, Origin: originOf(o), Hook: isHook(o), Danger: danger(key)}
	if taker := c.moves.taker(c.pair, key); taker != "" {
		change.Action, change.Peer, change.Danger = Give, taker, ""
		return change
	}
	if change.Reason = c.stays(o); change.Reason != "" {
		change.Action, change.Danger = Leave, ""
	}
	return change
}

// stays says why an object is not deleted that is no longer stated.
func (c *comparison) stays(o *manifest.Object) string {
	own := api.ParseSyncOptions(o.Annotations[api.AnnotationSyncOptions])
	app := c.pair.app()
	options := app.Spec.SyncPolicy.Options()
	says := func(name string) bool { return cmp.Or(own.Value(name), options.Value(name)) == "false" }
	switch {
	case isHook(o):
		return "hooks are not kept"
	case o.Annotations[api.AnnotationHelmResourcePolicy] == api.HelmResourcePolicyKeep:
		return "helm.sh/resource-policy is keep"
	case c.abandons:
		return "the Application goes to another cluster"
	case c.pair.After.App == nil && !cascades(app):
		return "the Application has no finalizer that deletes its objects"
	case c.pair.After.App == nil && o.Key.Kind == "CustomResourceDefinition":
		return "definitions outlive their Application"
	case c.pair.After.App == nil && says("Delete"):
		return "its sync options have Delete=false"
	case c.pair.After.App != nil && says("Prune"):
		return "its sync options have Prune=false"
	case c.pair.After.App != nil && app.Spec.SyncPolicy.IsAutomated() && !app.Spec.SyncPolicy.Automated.Prunes():
		return "automated syncs do not prune here"
	}
	return ""
}

// cascades says that an Application takes its objects with it.
func cascades(app *api.Application) bool {
	return slices.ContainsFunc(app.Finalizers, func(f string) bool {
		return f == api.FinalizerResources || f == api.FinalizerResourcesForeground || f == api.FinalizerResourcesBackground
	})
}

func isHook(o *manifest.Object) bool {
	_, hooks := plan.Split(manifest.Set{o}, true)
	return len(hooks) > 0
}

func originOf(o *manifest.Object) string {
	if o.Origin == (manifest.Origin{}) {
		return ""
	}
	return o.Origin.String()
}

// same compares two objects, in any process.
func same(a, b *manifest.Object) bool { return a.Hash() == b.Hash() }

// nameless is what an object is but for its name and namespace; values of Secrets go
// by their marks.
func nameless(o *manifest.Object) string {
	body := o.Body()
	meta, _ := body["metadata"].(map[string]any)
	delete(meta, "name")
	delete(meta, "namespace")
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(body) // it was decoded from JSON
	_ = json.NewEncoder(&b).Encode(o.Data())
	return b.String()
}

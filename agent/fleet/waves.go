package fleet

import (
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// waves looks for first syncs that cannot end: what a wave waits for needs an object of
// a later one. The waves are those of the engine's own plan.
func (c *check) waves() {
	for _, m := range c.Members {
		if len(m.Set) > 0 {
			c.waited(m)
		}
	}
}

// An order is when a first sync makes what.
type order struct {
	waves []plan.Wave
	first map[manifest.Key]int // the wave in which an object is there
	last  int                  // the last wave with something that pods need
}

// orderOf plans the first sync of a member into an empty cluster.
func orderOf(objects manifest.Set, hooks []plan.Hook) order {
	var changes []diff.Change
	for _, o := range objects {
		changes = append(changes, diff.Change{Key: o.Key, Verdict: diff.Create, Desired: o})
	}
	var runs []plan.Run
	for _, h := range hooks {
		for _, t := range h.Types {
			if t == api.HookPreSync || t == api.HookSync || t == api.HookPostSync {
				runs = append(runs, plan.Run{Hook: h, Type: t, Object: h.Object})
			}
		}
	}
	built := order{waves: plan.Build(changes, runs, plan.Policy{}).Waves, first: map[manifest.Key]int{}}
	for i, w := range built.waves {
		for _, o := range stepsOf(w) {
			for _, key := range makes(o) {
				if _, ok := built.first[key]; !ok && key.Name != "" {
					built.first[key] = i
				}
				if podsNeed[key.Kind] {
					built.last = i
				}
			}
		}
	}
	return built
}

// stepsOf are the objects and the hooks of a wave.
func stepsOf(w plan.Wave) (set manifest.Set) {
	for _, change := range w.Objects {
		set = append(set, change.Desired)
	}
	for _, r := range w.Runs {
		set = append(set, r.Object)
	}
	return set
}

func (c *check) waited(m *Member) {
	objects, hooks := plan.Split(m.Set, false)
	c.afterwards(m, objects, hooks)
	if flat(objects, hooks) {
		return
	}
	o := orderOf(objects, hooks)
	crds := definitionsOf(m.Set)
	told := map[*manifest.Object]bool{}
	for i, w := range o.waves {
		last := i == len(o.waves)-1
		for _, object := range stepsOf(w) {
			if told[object] {
				continue
			}
			told[object] = true
			c.homeless(m, o, i, object, crds)
			hook := slices.ContainsFunc(w.Runs, func(r plan.Run) bool { return r.Object == object })
			if !last && (hook || !unwatched(object)) {
				c.early(m, o, i, object)
			}
		}
	}
}

// flat says that a sync has one wave.
func flat(objects manifest.Set, hooks []plan.Hook) bool {
	wave := func(o *manifest.Object) int { return api.SyncWave(o.Annotations) }
	return len(hooks) == 0 && !slices.ContainsFunc(objects, func(o *manifest.Object) bool { return wave(o) != wave(objects[0]) })
}

// early tells what an object needs that comes in a later wave.
func (c *check) early(m *Member, o order, wave int, object *manifest.Object) {
	if _, makesPods := templates[object.Key.GroupKind()]; makesPods && wave >= o.last {
		return
	}
	for _, n := range needs(object) {
		later, ok := o.first[n.key]
		if !ok || later <= wave {
			continue
		}
		text := fmt.Sprintf("it is in %s and waits for %s, which is applied in %s: that does not begin before this is healthy",
			o.name(wave), c.provider(m, n.key), o.name(later))
		c.of(m, object, validate.RuleWaveOrder, n.path, text, "give it an earlier wave, or this a later one: annotation "+api.AnnotationSyncWave)
	}
	c.unbound(m, o, wave, object)
}

// name is "PreSync", or "wave 2 of Sync" where the phase has several.
func (o order) name(i int) string {
	w := o.waves[i]
	for j := range o.waves {
		if j != i && o.waves[j].Phase == w.Phase {
			return fmt.Sprintf("wave %d of %s", w.Number, w.Phase)
		}
	}
	return "phase " + string(w.Phase)
}

// provider names an object and where it is stated, or what makes it.
func (c *check) provider(m *Member, key manifest.Key) string {
	for _, o := range m.Set {
		if slices.Contains(makes(o), key) {
			return fmt.Sprintf("%s (%s)", key, m.at(o.Origin))
		}
	}
	return key.String()
}

// homeless tells of an object whose Namespace, or whose kind, comes later. The engine
// moves those before what lives in them, but for those that are hooks.
func (c *check) homeless(m *Member, o order, wave int, object *manifest.Object, crds map[schema.GroupKind]*manifest.Object) {
	where := manifest.Key{Kind: "Namespace", Name: object.Key.Namespace}
	if later, ok := o.first[where]; ok && later > wave {
		c.of(m, object, validate.RuleWaveOrder, "metadata.namespace", fmt.Sprintf("it is applied in %s, and its Namespace (%s) not before %s",
			o.name(wave), m.at(m.Set.Find(where).Origin), o.name(later)), "make the Namespace an ordinary object: it comes before what lives in it")
	}
	crd := crds[object.Key.GroupKind()]
	if crd == nil {
		return
	}
	if later := o.first[crd.Key]; later > wave {
		c.of(m, object, validate.RuleWaveOrder, "kind", fmt.Sprintf("it is applied in %s, and the definition of its kind (%s) not before %s",
			o.name(wave), m.at(crd.Origin), o.name(later)), "make the CustomResourceDefinition an ordinary object: it comes before its instances")
	}
}

// definitionsOf are the CustomResourceDefinitions of a set, by the kinds that they define.
func definitionsOf(set manifest.Set) map[schema.GroupKind]*manifest.Object {
	crds := map[schema.GroupKind]*manifest.Object{}
	for _, o := range set {
		if kind := o.Defines(); kind != (schema.GroupKind{}) {
			crds[kind] = o
		}
	}
	return crds
}

// unbound tells of a claim that its class binds only when a pod uses it, if all pods
// that do are of later waves.
func (c *check) unbound(m *Member, o order, wave int, claim *manifest.Object) {
	if claim.Key.GroupKind() != claimKind {
		return
	}
	name, _ := at(claim.Body(), "spec", "storageClassName").(string)
	class := c.classes[statement{m.cluster, manifest.Key{Group: "storage.k8s.io", Kind: "StorageClass", Name: name}}]
	if class == nil || at(class.object.Body(), "volumeBindingMode") != "WaitForFirstConsumer" {
		return
	}
	user, userWave := o.firstUser(claim.Key)
	if user == nil || userWave <= wave {
		return
	}
	c.of(m, claim, validate.RuleWaveOrder, "spec.storageClassName", fmt.Sprintf("class %s (%s) binds it when a pod uses it, and the first that does is of %s (%s), in %s: that does not begin before this is bound",
		name, class.by.at(class.object.Origin), user.Key, m.at(user.Origin), o.name(userWave)), "put it into the wave of what uses it")
}

var claimKind = schema.GroupKind{Kind: "PersistentVolumeClaim"}

// firstUser is the first object whose pods use a claim, nil if none does.
func (o order) firstUser(claim manifest.Key) (*manifest.Object, int) {
	for i, w := range o.waves {
		for _, object := range stepsOf(w) {
			if slices.ContainsFunc(needs(object), func(n need) bool { return n.key == claim }) {
				return object, i
			}
		}
	}
	return nil, 0
}

// afterwards looks at hooks that run when all objects of the Application are gone.
func (c *check) afterwards(m *Member, objects manifest.Set, hooks []plan.Hook) {
	for _, h := range hooks {
		if !slices.Contains(h.Types, api.HookPostDelete) {
			continue
		}
		for _, n := range needs(h.Object) {
			i := slices.IndexFunc(objects, func(o *manifest.Object) bool { return slices.Contains(makes(o), n.key) })
			if i >= 0 {
				c.of(m, h.Object, validate.RuleWaveOrder, n.path, fmt.Sprintf("a hook of PostDelete waits for %s (%s), which is deleted before it runs", n.key, m.at(objects[i].Origin)),
					"make that a hook of PostDelete, too, of an earlier wave")
			}
		}
	}
}

package blast

import (
	"reflect"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/rollout"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Restart is a workload whose pods are made anew.
type Restart struct {
	Key manifest.Key `json:"object"`
	// Because says why, as in "its pod template changes".
	Because string `json:"because"`
}

// restarts are the workloads that are live by now, and whose pods change.
func (c *comparison) restarts() (list []Restart) {
	if c.pair.After.App == nil || c.abandons {
		return nil
	}
	was, is := marksOf(c.pair.Before), marksOf(c.pair.After)
	for key, o := range c.after {
		old, markWas := c.before[key], was[key]
		if giver := c.moves.giver(c.pair, key); old == nil && giver != nil {
			old, markWas = giver.object, is[key] // its mark was another Application's
		}
		if old == nil {
			continue
		}
		if why := c.because(old, o, markWas, is[key]); why != "" {
			list = append(list, Restart{key, why})
		}
	}
	slices.SortFunc(list, func(a, b Restart) int { return a.Key.Compare(b.Key) })
	return list
}

// because says why the pods of a workload restart; "" if they do not.
func (c *comparison) because(was, is *manifest.Object, markWas, markIs string) string {
	if !restartable(is.Key) {
		return ""
	}
	var reasons []string
	if before, after := templateOf(was), templateOf(is); !same(was, is) && !reflect.DeepEqual(before, after) {
		reasons = append(reasons, c.templateReason(before, after))
	}
	reasons = append(reasons, strings.TrimPrefix(rollout.Because(markWas, markIs), "restarts because "))
	reasons = slices.DeleteFunc(reasons, func(text string) bool { return text == "" })
	why := strings.Join(reasons, "; ")
	if why != "" && waitsForDeletion(is) {
		why += "; its strategy is OnDelete: each pod when somebody deletes it"
	}
	return why
}

// templateReason tells a change of the template from one of the content of what it
// refers to.
func (c *comparison) templateReason(before, after any) string {
	names := c.referred(before)
	if before = c.follow(before); !reflect.DeepEqual(before, after) || len(names) == 0 {
		return "its pod template changes"
	}
	for i, name := range names {
		names[i] = generatedName.FindStringSubmatch(name)[1]
	}
	return "generated " + strings.Join(slices.Compact(names), ", ") + " has other content"
}

// marksOf are digests of what workloads restart for that opted in. Their key is no
// secret: they leave this package in no form.
func marksOf(end End) map[manifest.Key]string {
	if end.App == nil {
		return nil
	}
	on, err := rollout.ParseOn(end.App.Annotations[api.AnnotationRolloutOn])
	if err != nil {
		on = rollout.On{} // as the agent takes it
	}
	workloads, _ := rollout.Workloads(end.Set, on)
	owned := rollout.NewOwned(end.Set)
	marks := map[manifest.Key]string{}
	for _, w := range workloads {
		marks[w.Object.Key] = owned.Mark([]byte("blast"), w, nil, "")
	}
	return marks
}

// restartable says that objects of a kind make their pods anew when the template
// changes.
func restartable(key manifest.Key) bool {
	switch key.GroupKind().String() {
	case "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "Rollout.argoproj.io":
		return true
	}
	return false
}

func templateOf(o *manifest.Object) any {
	spec, _ := o.Body()["spec"].(map[string]any)
	return spec["template"]
}

func waitsForDeletion(o *manifest.Object) bool {
	spec, _ := o.Body()["spec"].(map[string]any)
	strategy, _ := spec["updateStrategy"].(map[string]any)
	return strategy["type"] == "OnDelete"
}

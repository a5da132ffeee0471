package rollout

import (
	"encoding/json"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	corev1 "k8s.io/api/core/v1"
)

// A Workload restarts when one of its uses changes.
type Workload struct {
	Object *manifest.Object
	Uses   []Use
}

// Workloads are the objects of a set that opted in, with what they restart for. App is
// what their Application says for all of them. Mistakes are sentences: what they are
// about is left out, and restarts for nothing.
func Workloads(set manifest.Set, app On) (all []Workload, mistakes []string) {
	for _, o := range set {
		stated, own := o.Annotations[api.AnnotationRolloutOn]
		if !own && app == (On{}) || !restarts(o.Key) {
			continue
		}
		on := app
		if own {
			var err error
			if on, err = ParseOn(stated); err != nil {
				mistakes = append(mistakes, fmt.Sprintf("%s: %s: %v", o.Origin, o.Key, err))
				continue
			}
		}
		if on == (On{}) {
			continue
		}
		uses, err := uses(o, on)
		if err != nil {
			mistakes = append(mistakes, fmt.Sprintf("%s: %s: what its pods use cannot be told: %v", o.Origin, o.Key, err))
			continue
		}
		all = append(all, Workload{o, uses})
	}
	return all, mistakes
}

// uses are those of the kinds to restart for.
func uses(o *manifest.Object, on On) (followed []Use, err error) {
	var body struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(o.JSON(), &body); err != nil {
		return nil, err
	}
	for _, u := range usesOf(&body.Spec.Template.Spec) {
		if on.follows(u.Kind) {
			followed = append(followed, u)
		}
	}
	return followed, nil
}

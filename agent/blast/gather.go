package blast

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Gather makes a radius of Applications that were compared with something else than
// another commit. Those of which nothing differs are left out.
func Gather(all []Application) *Radius {
	r := &Radius{Applications: slices.DeleteFunc(slices.Clone(all), func(a Application) bool { return a.empty() && len(a.Held) == 0 })}
	slices.SortFunc(r.Applications, func(a, b Application) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	r.count()
	return r
}

// Fields are those that differ between what is live and what is desired.
func Fields(list []diff.Field) []Field { return fieldsOf(list) }

// Danger says what is lost if an object is deleted, of what cannot be applied again.
func Danger(key manifest.Key) string { return danger(key) }

// Order lists the waves of a plan that do anything, and the deletions that are held.
func Order(built *plan.Plan) (waves []Wave, held []string) {
	return inOrder(built, func(manifest.Key) bool { return false })
}

// inOrder is Order, with what is taken over from another Application.
func inOrder(built *plan.Plan, takenOver func(manifest.Key) bool) (waves []Wave, held []string) {
	for _, w := range built.Waves {
		if wave := waveOf(w, takenOver); len(wave.Steps) > 0 {
			waves = append(waves, wave)
		}
		if n := len(w.Unconfirmed); n > 0 {
			held = append(held, "deletions wait for consent: "+w.Unconfirmed[0].Key.String()+more(n-1))
		}
	}
	if built.Guard != "" {
		held = append(held, "deletions are held: "+built.Guard)
	}
	return waves, held
}

// RestartsFor says why a workload's pods are made anew if fields of it change; "" if
// they are not.
func RestartsFor(key manifest.Key, fields []diff.Field) string {
	of := func(f diff.Field) bool {
		return f.Path == "spec.template" || strings.HasPrefix(f.Path, "spec.template.")
	}
	if restartable(key) && slices.ContainsFunc(fields, of) {
		return "its pod template changes"
	}
	return ""
}

package references

import (
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// A Part is what one Application, overlay or chart states, or all files that
// nothing renders.
type Part struct {
	Set manifest.Set
	// Cluster is where it goes to: the address of its API, or a name that stands for
	// one; "" if nothing here says it.
	Cluster string
	// Namespace is where objects go that name none, "" if that is not known. If
	// nothing says the cluster, Namespace is only assumed, too.
	Namespace string
	// Unseen says that the part is there, and that its objects are not known.
	Unseen bool
	// Draft says that it is not used as it is here: a chart with its own values. What
	// is missing is not told of it.
	Draft bool
	// Filled says of an object whose data others add to; nil says that of none.
	Filled func(*manifest.Object) bool
}

// Options are of a whole check.
type Options struct {
	// Whole says that the parts are all there is in the repository. If not, only what
	// contradicts an object that is there is told.
	Whole bool
	// External is what is known to be made elsewhere; it may be nil.
	External *validate.Externals
}

// Check returns for each part what its objects refer to, and what is not there.
func Check(parts []Part, o Options) [][]validate.Problem {
	w := newWorld(parts)
	w.external, w.whole = o.External, o.Whole
	all := make([][]validate.Problem, len(parts))
	for i := range parts {
		for _, one := range w.parts[i] {
			all[i] = append(all[i], w.judge(one, w.clusters[parts[i].Cluster])...)
		}
	}
	return all
}

// judge looks at one object.
func (w *world) judge(of *made, home *cluster) []validate.Problem {
	found := usesOf(of.by, of.body)
	j := &judge{world: w, of: of, home: home, uses: found.uses}
	for i := range found.uses {
		j.use(&found.uses[i])
	}
	for i := range found.choices {
		j.choice(&found.choices[i])
	}
	return j.told()
}

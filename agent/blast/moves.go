package blast

import (
	"cmp"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A place is an object of one cluster.
type place struct {
	cluster string
	key     manifest.Key
}

// A holder is an Application that states an object.
type holder struct {
	pair   *Pair
	name   string
	object *manifest.Object
}

// moves know which Application stated an object before, and which does now, of those
// that state it at one end only. The agent hands such an object over.
type moves struct{ givers, takers map[place]*holder }

func findMoves(pairs []Pair) *moves {
	m := &moves{givers: map[place]*holder{}, takers: map[place]*holder{}}
	for i := range pairs {
		p := &pairs[i]
		if p.Failed == "" {
			addHolders(m.givers, p, p.Before)
			addHolders(m.takers, p, p.After)
		}
	}
	return m
}

func addHolders(to map[place]*holder, p *Pair, end End) {
	if end.App == nil {
		return
	}
	cluster := clusterOf(end.App)
	for key, o := range keyed(end.Set) {
		at := place{cluster, key}
		if name := end.App.Namespace + "/" + end.App.Name; !isHook(o) && (to[at] == nil || name < to[at].name) {
			to[at] = &holder{p, name, o}
		}
	}
}

// giver is the Application that has stated an object that p states now, nil if there
// was none, or if it states it still.
func (m *moves) giver(p *Pair, key manifest.Key) *holder {
	h := m.givers[place{clusterOf(p.app()), key}]
	if h == nil || h.pair == p || h.pair.After.states(key) {
		return nil
	}
	return h
}

// taker is the Application that states an object now that p has stated before; "" if
// there is none.
func (m *moves) taker(p *Pair, key manifest.Key) string {
	if p.Before.App == nil {
		return ""
	}
	h := m.takers[place{clusterOf(p.Before.App), key}]
	if h == nil || h.pair == p {
		return ""
	}
	return h.name
}

func (e End) states(key manifest.Key) bool {
	return e.App != nil && e.Set.Find(key) != nil
}

// clusterOf is how an Application names its cluster; all names of the agent's own are
// one.
func clusterOf(app *api.Application) string {
	d := app.Spec.Destination
	if d.Name == "in-cluster" {
		return api.InClusterServer
	}
	return cmp.Or(d.Server, d.Name)
}

package main

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/readonly"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/shadow"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// An onlooking is what an agent has that looks on at Argo CD; nil if it does the work.
type onlooking struct {
	ledger  *shadow.Ledger
	dryRuns bool // are asked of the server
	refused atomic.Int64
}

// lookOn makes the part that sets what we find beside what Argo CD says.
func (p *parts) lookOn() {
	if !p.options.shadow {
		return
	}
	p.shadow = &onlooking{dryRuns: p.options.shadowDryRuns, ledger: shadow.NewLedger(func() time.Duration {
		return p.engine.settings.Settings().Patience()
	})}
	p.shadow.ledger.Changed = func(a shadow.Application) {
		p.log.Info("compared with Argo CD", "application", a.Namespace+"/"+a.Name, "outcome", a.Outcome, "why", a.Why,
			"differences", texts(a.Differences), "pending", texts(a.Pending), "bydesign", texts(a.ByDesign))
	}
	p.shadow.ledger.SetChanged = func(s shadow.Set) {
		p.log.Info("compared with Argo CD", "applicationset", s.Namespace+"/"+s.Name, "outcome", s.Outcome,
			"create", s.Create, "update", s.Update, "delete", s.Delete, "error", s.Error)
	}
}

// guarded has nothing written to a cluster, if the agent only looks on.
func (o *onlooking) guarded(cfg *rest.Config, refused func(request string)) *rest.Config {
	if o == nil {
		return cfg
	}
	return readonly.Config(cfg, readonly.Guard{DryRuns: o.dryRuns, Refused: func(request string) {
		o.refused.Add(1)
		refused(request)
	}})
}

// reads guards what reaches a cluster, and logs what is refused.
func (p *parts) reads(cfg *rest.Config) *rest.Config {
	return p.shadow.guarded(cfg, func(request string) {
		p.log.Error("a write was kept from leaving the process, for --shadow is set: please report this", "request", request)
	})
}

// passes has passes look on, if the agent does.
func (o *onlooking) passes() *reconcile.Shadow {
	if o == nil {
		return nil
	}
	return &reconcile.Shadow{
		Found: func(app *api.Application, found *reconcile.Observation) { o.ledger.Found(app, foundOf(found)) },
		Gone:  o.ledger.Gone,
	}
}

// sets has passes over ApplicationSets look on, if the agent does.
func (o *onlooking) sets() func(set *api.ApplicationSet, plan appset.Plan, err error) {
	if o == nil {
		return nil
	}
	return func(set *api.ApplicationSet, plan appset.Plan, err error) {
		o.ledger.FoundSet(shadow.CompareSet(set, plan, err))
	}
}

// passedSet forgets an ApplicationSet that is gone.
func (o *onlooking) passedSet(set types.NamespacedName, gone bool) {
	if o != nil && gone {
		o.ledger.GoneSet(set.Namespace, set.Name)
	}
}

// report is all that is known now.
func (o *onlooking) report() shadow.Report {
	r := o.ledger.Report(time.Now())
	r.Refused = o.refused.Load()
	return r
}

// ServeHTTP answers GET /shadow.
func (o *onlooking) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(o.report()) // who asked may be gone
}

// foundOf is what a pass has found, as the comparison takes it.
func foundOf(o *reconcile.Observation) shadow.Found {
	found := shadow.Found{Status: o.Status, Render: o.Render, At: o.At}
	of := map[string]reconcile.Difference{}
	for _, d := range o.Differences {
		of[d.Key.String()] = d
	}
	for _, c := range o.Changes {
		object := shadow.Object{Key: c.Key, Verdict: c.Verdict}
		if c.Live != nil {
			object.Changed = time.Unix(c.Live.Touched, 0)
		}
		if d, ok := of[c.Key.String()]; ok {
			object.Known, object.Fields, object.Ignored, object.Unmarked, object.Err = d.Err == nil && d.Live != nil, d.Fields, d.Ignored, d.Adopted, d.Err
		}
		found.Objects = append(found.Objects, object)
	}
	return found
}

// texts are differences, for the log.
func texts(differences []shadow.Difference) []string {
	all := make([]string, len(differences))
	for i, d := range differences {
		all[i] = d.String()
	}
	return all
}

// shadowFlag is the flag of an agent that looks on.
const shadowFlag = "shadow"

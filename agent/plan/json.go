package plan

import (
	"encoding/json"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// shown is a Plan for programs: what String says, and in which order.
type shown struct {
	// Hash names what a person approves of, as Plan.Hash says; "" if there is
	// nothing to approve of.
	Hash    string       `json:"hash,omitempty"`
	Held    string       `json:"held,omitempty"`
	Waves   []shownWave  `json:"waves"`
	Skipped []shownPrune `json:"skipped,omitempty"`
}

type shownWave struct {
	Phase api.SyncPhase `json:"phase"`
	Wave  int           `json:"wave"`
	Steps []shownStep   `json:"steps"`
}

type shownStep struct {
	// Action is prune, run, or the verdict on what is to be applied.
	Action string `json:"action"`
	shownKey
	// Confirm: it waits for somebody's consent.
	Confirm bool   `json:"confirm,omitempty"`
	Origin  string `json:"origin,omitempty"`
	// Restarts says why pods restart, if it is for what they use.
	Restarts string `json:"restarts,omitempty"`
}

type shownKey struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

type shownPrune struct {
	shownKey
	Reason string `json:"reason"`
}

// MarshalJSON shows the waves that have something to do, step by step.
func (p Plan) MarshalJSON() ([]byte, error) {
	out := shown{Held: p.Guard, Waves: []shownWave{}}
	if p.whole && !p.Done() || len(p.Prunes()) > 0 || p.Guard != "" {
		out.Hash = p.Hash()
	}
	for _, w := range p.Waves {
		if !w.Done() {
			out.Waves = append(out.Waves, w.shown())
		}
	}
	for _, s := range p.Skipped {
		out.Skipped = append(out.Skipped, shownPrune{keyOf(s.Change.Key), s.Reason})
	}
	return json.Marshal(out)
}

func (w Wave) shown() shownWave {
	out := shownWave{Phase: w.Phase, Wave: w.Number, Steps: []shownStep{}}
	for _, c := range w.Prunes {
		out.Steps = append(out.Steps, shownStep{Action: "prune", shownKey: keyOf(c.Key)})
	}
	for _, c := range w.Unconfirmed {
		out.Steps = append(out.Steps, shownStep{Action: "prune", shownKey: keyOf(c.Key), Confirm: true})
	}
	for _, c := range w.Pending() {
		step := shownStep{Action: w.action(c), shownKey: keyOf(c.Key), Restarts: c.Restarts()}
		if c.Desired.Origin != (manifest.Origin{}) {
			step.Origin = c.Desired.Origin.String()
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}

// action is "run" for a hook, else the verdict.
func (w Wave) action(c diff.Change) string {
	if w.run(c) != nil {
		return "run"
	}
	return string(c.Verdict)
}

func keyOf(k manifest.Key) shownKey { return shownKey{k.Group, k.Kind, k.Namespace, k.Name} }

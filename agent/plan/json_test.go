package plan

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMarshalJSON(t *testing.T) {
	changes, runs := readPlan(t, `
create apps/Deployment shop/web
hook PreSync batch/Job shop/migrate
extra ConfigMap shop/old
extra ConfigMap shop/kept options=Prune=false
extra ConfigMap shop/asked options=Prune=confirm
`)
	p := Build(changes, runs, Policy{Prune: true})
	got, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "hash": "` + p.Hash() + `",
  "waves": [
    {
      "phase": "PreSync",
      "wave": 0,
      "steps": [
        {
          "action": "run",
          "group": "batch",
          "kind": "Job",
          "namespace": "shop",
          "name": "migrate"
        }
      ]
    },
    {
      "phase": "Sync",
      "wave": 0,
      "steps": [
        {
          "action": "prune",
          "kind": "ConfigMap",
          "namespace": "shop",
          "name": "old"
        },
        {
          "action": "prune",
          "kind": "ConfigMap",
          "namespace": "shop",
          "name": "asked",
          "confirm": true
        },
        {
          "action": "create",
          "group": "apps",
          "kind": "Deployment",
          "namespace": "shop",
          "name": "web"
        }
      ]
    }
  ],
  "skipped": [
    {
      "kind": "ConfigMap",
      "namespace": "shop",
      "name": "kept",
      "reason": "ignored (no prune)"
    }
  ]
}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The hash of a plan whose deletions are held is the one to approve, not that of
// the plan without them.
func TestMarshalJSONOfHeld(t *testing.T) {
	changes, runs := readPlan(t, "same ConfigMap shop/a\nextra PersistentVolumeClaim shop/data")
	free := Build(changes, runs, Policy{Prune: true, Confirmed: true})
	got, err := json.Marshal(Build(changes, runs, Policy{Prune: true}))
	if err != nil {
		t.Fatal(err)
	}
	var shown struct{ Hash, Held string }
	if err := json.Unmarshal(got, &shown); err != nil {
		t.Fatal(err)
	}
	if shown.Hash != free.Hash() || !strings.Contains(shown.Held, shown.Hash) {
		t.Errorf("got %s, want the hash %s", got, free.Hash())
	}
}

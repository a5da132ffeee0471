package plan

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Each row of a case is a change: its verdict, what it is of, and what else
// counts. What is printed is the plan.
//
//	create apps/Deployment shop/web wave=2
//	extra ConfigMap shop/old wave=1 options=PruneLast=true keep deleting
func TestBuild(t *testing.T) {
	prune := Policy{Prune: true}
	for _, tt := range []struct {
		name    string
		policy  Policy
		changes string
		want    string
	}{
		{"nothing", Policy{}, `
same ConfigMap shop/a
`, ``},
		{"2.1 kind order: within a wave, custom resources last", Policy{}, `
create example.com/Widget shop/a
create apiregistration.k8s.io/APIService -/v1.example.com
create networking.k8s.io/Ingress shop/a
create batch/Job shop/a
create apps/Deployment shop/b
create apps/Deployment shop/a
create Service shop/a
create rbac.authorization.k8s.io/RoleBinding shop/a
create rbac.authorization.k8s.io/Role shop/a
create apiextensions.k8s.io/CustomResourceDefinition -/c defines=other.com/Other
create ConfigMap shop/a
create Secret shop/a
create ServiceAccount shop/a
create Namespace -/shop
`, `
Sync 0
  create Namespace shop
  create ServiceAccount shop/a
  create Secret shop/a
  create ConfigMap shop/a
  create apiextensions.k8s.io/CustomResourceDefinition c
  create rbac.authorization.k8s.io/Role shop/a
  create rbac.authorization.k8s.io/RoleBinding shop/a
  create Service shop/a
  create apps/Deployment shop/a
  create apps/Deployment shop/b
  create batch/Job shop/a
  create networking.k8s.io/Ingress shop/a
  create apiregistration.k8s.io/APIService v1.example.com
  create example.com/Widget shop/a
`},
		{"2.1 wave: an integer, may be negative, what is none is 0", Policy{}, `
create ConfigMap shop/late wave=10
create ConfigMap shop/first wave=-5
update ConfigMap shop/usual
drift ConfigMap shop/second wave=-1
same ConfigMap shop/done wave=3
create ConfigMap shop/odd wave=x
`, `
Sync -5
  create ConfigMap shop/first
Sync -1
  drift ConfigMap shop/second
Sync 0
  create ConfigMap shop/odd
  update ConfigMap shop/usual
Sync 10
  create ConfigMap shop/late
`},
		{"2.1 bubbling: a Namespace comes no later than what lives in it", Policy{}, `
create ConfigMap shop/a wave=-3
create Namespace -/shop wave=5
create Namespace -/empty wave=5
`, `
Sync -3
  create Namespace shop
  create ConfigMap shop/a
Sync 5
  create Namespace empty
`},
		{"2.1 bubbling: a definition comes no later than its instances", Policy{}, `
create example.com/Widget shop/a wave=-2
create apiextensions.k8s.io/CustomResourceDefinition -/widgets.example.com wave=1 defines=example.com/Widget
create apiextensions.k8s.io/CustomResourceDefinition -/others.example.com wave=1 defines=example.com/Other
`, `
Sync -2
  create apiextensions.k8s.io/CustomResourceDefinition widgets.example.com
  create example.com/Widget shop/a
Sync 1
  create apiextensions.k8s.io/CustomResourceDefinition others.example.com
`},
		{"early ones stay early", Policy{}, `
create Namespace -/shop wave=-9
create ConfigMap shop/a wave=3
`, `
Sync -9
  create Namespace shop
Sync 3
  create ConfigMap shop/a
`},
		{"2.15 fact 15: prune waves are mirrored, and come before what is applied", prune, `
update ConfigMap shop/a wave=1
extra ConfigMap shop/one wave=1
extra ConfigMap shop/two wave=2
extra ConfigMap shop/five wave=5
`, `
Sync 1
  prune ConfigMap shop/five
  update ConfigMap shop/a
Sync 2
  prune ConfigMap shop/two
Sync 5
  prune ConfigMap shop/one
`},
		{"2.15 fact 15: PruneLast of an object is the last wave plus one", prune, `
update ConfigMap shop/a wave=3
extra ConfigMap shop/last wave=-1 options=PruneLast=true
extra ConfigMap shop/usual
`, `
Sync -1
  prune ConfigMap shop/usual
Sync 3
  update ConfigMap shop/a
Sync 4
  prune ConfigMap shop/last
`},
		{"1.6 PruneLast: of all, after the highest wave of any", Policy{Prune: true, PruneLast: true}, `
same ConfigMap shop/a wave=2
extra ConfigMap shop/one wave=7
extra ConfigMap shop/two wave=1
`, `
Sync 8
  prune ConfigMap shop/one
  prune ConfigMap shop/two
`},
		{"2.1 Prune not requested: nothing is deleted", Policy{}, `
same ConfigMap shop/a
extra ConfigMap shop/b
`, `
keep ConfigMap shop/b: ignored (requires pruning)
`},
		{"2.15 fact 22: resource-policy keep is honoured when pruning (DESIGN 4), and so is Prune=false", prune, `
same ConfigMap shop/a
extra ConfigMap shop/b options=Prune=false
extra ConfigMap shop/c keep
extra PersistentVolumeClaim shop/d keep
extra ConfigMap shop/e deleting
`, `
keep ConfigMap shop/b: ignored (no prune)
keep ConfigMap shop/c: ignored (helm.sh/resource-policy: keep)
keep PersistentVolumeClaim shop/d: ignored (helm.sh/resource-policy: keep)
`},
		{"what another application states by now", Policy{Prune: true, Heirs: map[manifest.Key]string{
			{Kind: "ConfigMap", Namespace: "shop", Name: "b"}:             "other",
			{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "c"}: "other",
		}}, `
extra ConfigMap shop/b
extra PersistentVolumeClaim shop/c
`, `
keep ConfigMap shop/b: handed over to application other
keep PersistentVolumeClaim shop/c: handed over to application other
`},
		{"1.4 automated.allowEmpty: without it an empty render deletes nothing", prune, `
extra ConfigMap shop/b
`, `
keep ConfigMap shop/b: held: Git states no object at all: set spec.syncPolicy.automated.allowEmpty if that is meant
held: Git states no object at all: set spec.syncPolicy.automated.allowEmpty if that is meant
`},
		{"1.4 automated.allowEmpty: with it everything goes", Policy{Prune: true, AllowEmpty: true}, `
extra ConfigMap shop/b
`, `
Sync 0
  prune ConfigMap shop/b
`},
		{"1.7 operation resources: nothing else is applied or pruned", Policy{Prune: true, Only: only("ConfigMap shop/a", "ConfigMap shop/c")}, `
update ConfigMap shop/a
update ConfigMap shop/b
extra ConfigMap shop/c
extra ConfigMap shop/d
`, `
Sync 0
  prune ConfigMap shop/c
  update ConfigMap shop/a
`},
		{"another application's", prune, `
foreign ConfigMap shop/a
create ConfigMap shop/b
`, `
Sync 0
  create ConfigMap shop/b
`},
		{"what the server could not judge is applied", Policy{}, `
ask ConfigMap shop/a
`, `
Sync 0
  ask ConfigMap shop/a
`},
		{"a volume is not deleted unasked", prune, `
update ConfigMap shop/a
extra ConfigMap shop/b
extra PersistentVolumeClaim shop/data
`, `
Sync 0
  update ConfigMap shop/a
keep ConfigMap shop/b: held: it would delete PersistentVolumeClaim shop/data; approve with annotation tidelock.io/approve: HASH
keep PersistentVolumeClaim shop/data: held: it would delete PersistentVolumeClaim shop/data; approve with annotation tidelock.io/approve: HASH
held: it would delete PersistentVolumeClaim shop/data; approve with annotation tidelock.io/approve: HASH
`},
		{"a Namespace is not deleted unasked", prune, `
same ConfigMap shop/a
extra Namespace -/shop
`, `
keep Namespace shop: held: it would delete Namespace shop; approve with annotation tidelock.io/approve: HASH
held: it would delete Namespace shop; approve with annotation tidelock.io/approve: HASH
`},
		{"a definition is not deleted unasked", prune, `
same ConfigMap shop/a
extra apiextensions.k8s.io/CustomResourceDefinition -/c
`, `
keep apiextensions.k8s.io/CustomResourceDefinition c: held: it would delete apiextensions.k8s.io/CustomResourceDefinition c; approve with annotation tidelock.io/approve: HASH
held: it would delete apiextensions.k8s.io/CustomResourceDefinition c; approve with annotation tidelock.io/approve: HASH
`},
		{"a kind of the same name", prune, `
same ConfigMap shop/a
extra example.com/Namespace shop/b
`, `
Sync 0
  prune example.com/Namespace shop/b
`},
		{"1.6 Prune=confirm: waits for consent", prune, `
same ConfigMap shop/a
extra ConfigMap shop/b options=Prune=confirm
extra ConfigMap shop/c
`, `
Sync 0
  prune ConfigMap shop/c
  prune ConfigMap shop/b, with consent
`},
		{"1.6 Prune=confirm: with consent it goes", Policy{Prune: true, Confirmed: true}, `
same ConfigMap shop/a
extra ConfigMap shop/b options=Prune=confirm
`, `
Sync 0
  prune ConfigMap shop/b
`},
		{"1.6 Prune annotation: the live object's word wins over the Application's", Policy{Prune: true, PruneNever: true}, `
same ConfigMap shop/a
extra ConfigMap shop/b
extra ConfigMap shop/c options=Prune=true
extra ConfigMap shop/d options=Prune=confirm
`, `
Sync 0
  prune ConfigMap shop/c
  prune ConfigMap shop/d, with consent
keep ConfigMap shop/b: ignored (no prune)
`},
		{"1.6 exact words: what keeps an object counts wherever it stands, and no other word does", prune, `
same ConfigMap shop/a
extra ConfigMap shop/b options=Prune=,Prune=false
extra ConfigMap shop/c options=Prune=maybe,Prune=false
extra ConfigMap shop/d options=Prune=False
extra ConfigMap shop/e options=Prune=true,Prune=confirm
`, `
Sync 0
  prune ConfigMap shop/d
  prune ConfigMap shop/e, with consent
keep ConfigMap shop/b: ignored (no prune)
keep ConfigMap shop/c: ignored (no prune)
`},
		{"consent lets go what is held", Policy{Prune: true, Confirmed: true}, `
same ConfigMap shop/a
extra Namespace -/shop
`, `
Sync 0
  prune Namespace shop
`},
		{"2.1 order: phase, wave, kind, name", prune, `
create apps/Deployment shop/web
create ConfigMap shop/settings
hook PostSync batch/Job shop/test
hook SyncFail batch/Job shop/alarm
hook PreSync batch/Job shop/migrate wave=1
hook PreSync ServiceAccount shop/migrate
hook PreSync Secret shop/migrate
hook Sync batch/Job shop/warm
extra ConfigMap shop/old wave=-2
`, `
PreSync 0
  run ServiceAccount shop/migrate
  run Secret shop/migrate
PreSync 1
  run batch/Job shop/migrate
Sync -2
  prune ConfigMap shop/old
Sync 0
  create ConfigMap shop/settings
  create apps/Deployment shop/web
  run batch/Job shop/warm
PostSync 0
  run batch/Job shop/test
SyncFail 0
  run batch/Job shop/alarm
`},
		{"2.15 fact 11: bubbling takes over phase and wave, even into PreSync", prune, `
create Namespace -/shop wave=3
create apiextensions.k8s.io/CustomResourceDefinition -/c wave=2 defines=other.com/Other
create ConfigMap shop/a
hook PreSync batch/Job shop/migrate wave=-4
hook PreSync other.com/Other shop/o wave=7
`, `
PreSync -4
  create Namespace shop
  run batch/Job shop/migrate
PreSync 7
  create apiextensions.k8s.io/CustomResourceDefinition c
  run other.com/Other shop/o
Sync 0
  create ConfigMap shop/a
`},
		{"2.1 a hook of a failure pulls nothing", prune, `
create Namespace -/shop
hook SyncFail batch/Job shop/alarm wave=-4
`, `
Sync 0
  create Namespace shop
SyncFail -4
  run batch/Job shop/alarm
`},
		{"2.1 state: a hook that was begun is not begun again", prune, `
create ConfigMap shop/a
hook PreSync batch/Job shop/done phase=Succeeded
hook PreSync batch/Job shop/running phase=Running
`, `
Sync 0
  create ConfigMap shop/a
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changes, runs := readPlan(t, tt.changes)
			unguarded := tt.policy
			got := Build(changes, runs, tt.policy)
			text := strings.ReplaceAll(got.String(), approval(got), "HASH")
			if want := strings.TrimPrefix(tt.want, "\n"); text != want {
				t.Errorf("got\n%s\nwant\n%s", text, want)
			}
			if got.Done() != !strings.Contains(text, "Sync ") && !strings.Contains(text, "SyncFail ") {
				t.Errorf("done: %v, of\n%s", got.Done(), text)
			}
			if approval(got) == none {
				return
			}
			unguarded.Approved = approval(got)
			if approved := Build(changes, runs, unguarded); approved.Guard != "" || len(approved.Prunes()) == 0 || approved.Hash() != approval(got) {
				t.Errorf("approved, and yet\n%s", approved)
			}
			unguarded.Approved = "000000000000"
			if other := Build(changes, runs, unguarded); other.Guard == "" {
				t.Errorf("another plan was approved, and this runs\n%s", other)
			}
		})
	}
}

// More than half of the objects, and at least ten (DESIGN.md D10).
func TestBreaker(t *testing.T) {
	for _, tt := range []struct {
		stay, foreign, gone int
		held                bool
	}{
		{1, 0, 9, false},
		{1, 0, 10, true},
		{9, 0, 10, true},
		{10, 0, 10, false},
		{11, 0, 10, false},
		{9, 5, 10, true}, // another application's objects do not count
		{1000, 0, 999, false},
		{1000, 0, 1001, true},
	} {
		var rows strings.Builder
		for i := range tt.stay {
			fmt.Fprintf(&rows, "same ConfigMap shop/s%d\n", i)
		}
		for i := range tt.foreign {
			fmt.Fprintf(&rows, "foreign ConfigMap shop/f%d\n", i)
		}
		for i := range tt.gone {
			fmt.Fprintf(&rows, "extra ConfigMap shop/x%d\n", i)
		}
		p := Build(readChanges(t, rows.String()), nil, Policy{Prune: true})
		if (p.Guard != "") != tt.held {
			t.Errorf("%+v: guard %q", tt, p.Guard)
		}
		if n := len(p.Prunes()); tt.held && n != 0 || !tt.held && n != tt.gone {
			t.Errorf("%+v: %d prunes", tt, n)
		}
	}
}

// An approval is for the deletions of a plan, and for no others.
func TestHash(t *testing.T) {
	hash := func(rows string) string {
		return Build(readChanges(t, rows), nil, Policy{Prune: true, AllowEmpty: true}).Hash()
	}
	one := hash("update ConfigMap shop/a\nextra ConfigMap shop/b\nextra ConfigMap shop/c")
	if two := hash("extra ConfigMap shop/c wave=3\nextra ConfigMap shop/b"); two != one {
		t.Errorf("the same deletions hash to %s and %s", one, two)
	}
	for _, rows := range []string{"extra ConfigMap shop/b", "extra ConfigMap shop/b\nextra ConfigMap shop/d", "extra ConfigMap shop/b\nextra Secret shop/c"} {
		if hash(rows) == one {
			t.Errorf("%q hashes as two others", rows)
		}
	}
}

// Objects that are done are in the plan too, since a wave waits for them.
func TestWavesHoldWhatIsDone(t *testing.T) {
	p := Build(readChanges(t, "same ConfigMap shop/a\ncreate ConfigMap shop/b wave=1"), nil, Policy{})
	if len(p.Waves) != 2 || !p.Waves[0].Done() || len(p.Waves[0].Objects) != 1 {
		t.Errorf("waves %+v", p.Waves)
	}
	if key := (manifest.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}); !p.States(key) {
		t.Errorf("%s is not in the plan", key)
	}
	if p.States(manifest.Key{Kind: "ConfigMap", Name: "a"}) {
		t.Error("the plan states what is not in it")
	}
}

// none is no hash, and in no text.
const none = "\x00"

// approval returns the hash that a held plan asks to approve.
func approval(p Plan) string {
	_, hash, ok := strings.Cut(p.Guard, api.AnnotationApprove+": ")
	if !ok {
		return none
	}
	return hash
}

func only(names ...string) map[manifest.Key]bool {
	keys := map[manifest.Key]bool{}
	for _, name := range names {
		kind, rest, _ := strings.Cut(name, " ")
		keys[readKey(kind, rest)] = true
	}
	return keys
}

func readKey(kind, name string) manifest.Key {
	group, kind, ok := strings.Cut(kind, "/")
	if !ok {
		group, kind = "", group
	}
	namespace, name, _ := strings.Cut(name, "/")
	return manifest.Key{Group: group, Kind: kind, Namespace: strings.Trim(namespace, "-"), Name: name}
}

// readPlan reads changes and, of rows such as "hook PreSync batch/Job shop/migrate
// wave=1 phase=Running", runs of hooks.
func readPlan(t *testing.T, rows string) (changes []diff.Change, runs []Run) {
	t.Helper()
	for row := range strings.Lines(strings.TrimSpace(rows)) {
		text, isHook := strings.CutPrefix(row, "hook ")
		if !isHook {
			changes = append(changes, readChanges(t, row)...)
			continue
		}
		kind, text, _ := strings.Cut(text, " ")
		text, phase, _ := strings.Cut(text, "phase=")
		c := readChanges(t, "create "+text)[0]
		runs = append(runs, Run{Type: api.HookType(kind), Object: c.Desired, Phase: api.OperationPhase(strings.TrimSpace(phase))})
	}
	return changes, runs
}

func readChanges(t *testing.T, rows string) (changes []diff.Change) {
	t.Helper()
	for row := range strings.Lines(strings.TrimSpace(rows)) {
		words := strings.Fields(row)
		c := diff.Change{Verdict: diff.Verdict(words[0]), Key: readKey(words[1], words[2])}
		l := &diff.Live{Key: c.Key}
		wave, spec := "", map[string]any{}
		for _, word := range words[3:] {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case "wave":
				wave = value
				l.Wave, _ = strconv.Atoi(value)
			case "options":
				l.Options = value
			case "keep":
				l.Keep = true
			case "deleting":
				l.Deleting = true
			case "defines":
				group, kind, _ := strings.Cut(value, "/")
				spec = map[string]any{"group": group, "names": map[string]any{"kind": kind}}
			default:
				t.Fatalf("row %q: what is %q?", row, word)
			}
		}
		if c.Verdict != diff.Create {
			c.Live = l
		}
		if c.Verdict != diff.Extra {
			c.Desired = object(t, c.Key, wave, spec)
		}
		changes = append(changes, c)
	}
	return changes
}

func object(t *testing.T, key manifest.Key, wave string, spec map[string]any) *manifest.Object {
	t.Helper()
	meta := map[string]any{"name": key.Name, "namespace": key.Namespace}
	if wave != "" {
		meta["annotations"] = map[string]any{api.AnnotationSyncWave: wave}
	}
	o, err := manifest.New(map[string]any{
		"apiVersion": strings.TrimPrefix(key.Group+"/v1", "/"), "kind": key.Kind, "metadata": meta, "spec": spec,
	}, manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

package rival_test

import (
	"fmt"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/rival"
)

// ofSet is an ApplicationSet whose status Argo CD and we have written, each at a time.
const ofSet = `
metadata:
  name: fleet
  managedFields:
  - {manager: kubectl, operation: Update, time: "2026-11-26T11:59:00Z", fieldsType: FieldsV1, fieldsV1: {f:spec: {}}}
  - {manager: argocd-applicationset-controller, operation: Update, subresource: status, time: "2026-11-26T%s:00Z", fieldsType: FieldsV1, fieldsV1: {f:status: {}}}
  - {manager: tidelock, operation: Update, subresource: status, time: "2026-11-26T%s:00Z", fieldsType: FieldsV1, fieldsV1: {f:status: {}}}
`

func TestOfSet(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"new", `metadata: {name: fleet}`, "false 00:00"},
		{"Argo CD's", fmt.Sprintf(ofSet, "11:58", "11:50"), "true 11:58"},
		{"at the same time", fmt.Sprintf(ofSet, "11:50", "11:50"), "true 11:50"},
		{"ours", fmt.Sprintf(ofSet, "11:50", "11:58"), "false 11:58"},
		{"left to Argo CD by us", fmt.Sprintf(ofSet, "11:50", "11:58") + "status: {conditions: [{type: RivalControllerWarning, status: \"True\", reason: x, message: y}]}", "true 11:50"},
		{"nobody's word about its status", `metadata: {name: fleet, managedFields: [{manager: argocd-applicationset-controller, operation: Update, time: "2026-11-26T11:59:00Z"}]}`, "false 00:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := &api.ApplicationSet{}
			if err := yaml.UnmarshalStrict([]byte(tt.text), set); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time of what is kept
				look := rival.OfSet(set)
				if got := fmt.Sprint(look.Theirs, " ", look.At.UTC().Format("15:04")); got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
				set.ManagedFields = rival.KeptOfSet(set.ManagedFields)
			}
			for _, entry := range set.ManagedFields {
				if entry.FieldsV1 != nil {
					t.Errorf("%+v is kept", entry)
				}
			}
		})
	}
}

func TestJudgeSet(t *testing.T) {
	const patience = 4 * time.Minute
	for _, tt := range []struct {
		name  string
		look  rival.Look
		state rival.State
		want  string
	}{
		{"ours", rival.Look{At: noon}, rival.Runs, "free"},
		{"new, and nobody else runs", rival.Look{}, rival.Unseen, "free"},
		{"new, and another has stopped", rival.Look{}, rival.Stopped, "free"},
		{"new, and another runs", rival.Look{}, rival.Runs, "held 15s"},
		{"theirs, of long ago, and it runs", rival.Look{Theirs: true, At: noon.Add(-100 * time.Hour)}, rival.Runs, "held 15s"},
		{"theirs, and it has stopped", rival.Look{Theirs: true, At: noon}, rival.Stopped, "free"},
		{"theirs just now, and it is not seen", rival.Look{Theirs: true, At: noon}, rival.Unseen, "held 15s"},
		{"theirs for nearly too long", rival.Look{Theirs: true, At: noon.Add(-patience)}, rival.Unseen, "held 1s"},
		{"theirs for too long", rival.Look{Theirs: true, At: noon.Add(-patience - time.Second)}, rival.Unseen, "free"},
	} {
		t.Run(tt.name, func(t *testing.T) { checkVerdict(t, rival.JudgeSet(tt.look, tt.state, patience, noon), tt.want) })
	}
}

// checkVerdict compares a verdict, which says why if it holds.
func checkVerdict(t *testing.T, v rival.Verdict, want string) {
	t.Helper()
	got := "free"
	if v.Held {
		got = fmt.Sprintf("held %s", v.Again)
	}
	if got != want || v.Held != (v.Why != "") {
		t.Errorf("%s (%+v), want %s", got, v, want)
	}
}

package reconcile

import (
	"fmt"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/plan"
)

// What an operation notes of its hooks' kinds, and what a later process reads of it.
func TestPromise(t *testing.T) {
	for _, tt := range []struct{ name, before, sync, want string }{
		{"of each hook, once", "", `{}`, "[batch/v1, Kind=Job /v1, Kind=Pod]"},
		{"those of an earlier try stay", "ConfigMap.v1.", `{}`, "[/v1, Kind=ConfigMap batch/v1, Kind=Job /v1, Kind=Pod]"},
		{"what is none is left out", "nonsense a.b", `{}`, "[batch/v1, Kind=Job /v1, Kind=Pod]"},
		{"none without hooks", "", `{syncStrategy: {apply: {}}}`, "[]"},
		{"none in a dry run", "", `{dryRun: true}`, "[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			op := read[api.OperationState](t, fmt.Sprintf(`{operation: {info: [{name: a, value: b}], sync: %s}}`, tt.sync))
			if tt.before != "" {
				op.Operation.Info = append(op.Operation.Info, api.Info{Name: api.AnnotationHookKinds, Value: tt.before})
			}
			desired := &Desired{Hooks: []plan.Hook{
				{Object: objectIn(t, "batch/Job shop/a", "{}")}, {Object: objectIn(t, "batch/Job shop/b", "{}")}, {Object: objectIn(t, "Pod shop/c", "{}")},
			}}
			promise(op, desired)
			promise(op, desired) // once more changes nothing
			if got := fmt.Sprint(promised(op)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if infoOf(op, "a") != "b" {
				t.Errorf("the rest of the info is %v", op.Operation.Info)
			}
		})
	}
	if kinds := promised(nil); kinds != nil {
		t.Errorf("got %v of no operation", kinds)
	}
}

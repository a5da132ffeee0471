package reconcile

import (
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A superseded operation that nothing takes the place of does not run for ever.
func TestOvertaken(t *testing.T) {
	now := metav1.NewTime(time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC))
	for _, tt := range []struct {
		phase api.OperationPhase
		want  string
		told  int
	}{
		{api.OperationRunning, "Failed: superseded by a newer commit, with which there is nothing to do: boom", 1},
		{api.OperationSucceeded, "Succeeded: boom", 0},
	} {
		told := 0
		p := &pass{now: now, r: New(Config{Synced: func(*api.Application, *api.OperationState) { told++ }})}
		op := &api.OperationState{Phase: tt.phase, Message: "boom"}
		p.overtaken(op)
		if got := string(op.Phase) + ": " + op.Message; got != tt.want || told != tt.told {
			t.Errorf("got %q, told %d times; want %q, %d", got, told, tt.want, tt.told)
		}
	}
	(&pass{}).overtaken(nil)
}

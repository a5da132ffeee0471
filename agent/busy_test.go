package agent

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

func TestHanging(t *testing.T) {
	var b busy
	endShop := b.begin(types.NamespacedName{Name: "shop"})
	endBank := b.begin(types.NamespacedName{Name: "bank"})
	now := time.Now()
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {passTimeout, 0}, {passTimeout + 2*overdue, 2}} {
		if got := b.hanging(now.Add(tt.after)); got != tt.want {
			t.Errorf("after %s: %d hang, want %d", tt.after, got, tt.want)
		}
	}
	endShop()
	if got := b.hanging(now.Add(time.Hour)); got != 1 {
		t.Errorf("%d hang, want 1", got)
	}
	endBank()
	if got := b.hanging(now.Add(time.Hour)); got != 0 {
		t.Errorf("%d hang, want none", got)
	}
}

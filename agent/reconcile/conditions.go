package reconcile

import (
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A report collects the conditions of one pass. What was not said in this pass
// is no condition any more.
type report struct{ conditions []api.Condition }

// add says one condition. The same type twice is joined into one message.
func (r *report) add(kind api.ConditionType, message string) {
	for i, c := range r.conditions {
		if c.Type == kind {
			if !strings.Contains(c.Message, message) {
				r.conditions[i].Message += "; " + message
			}
			return
		}
	}
	r.conditions = append(r.conditions, api.Condition{Type: kind, Message: message})
}

// keep says again what the last pass has said.
func (r *report) keep(said []api.Condition, kind api.ConditionType) {
	for _, c := range said {
		if c.Type == kind {
			r.add(kind, c.Message)
		}
	}
}

// has says that a condition was said.
func (r *report) has(kind api.ConditionType) bool {
	return slices.ContainsFunc(r.conditions, func(c api.Condition) bool { return c.Type == kind })
}

// of is what a condition says, "" if it was not said.
func (r *report) of(kind api.ConditionType) string {
	for _, c := range r.conditions {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

// merged returns the conditions with their times: a condition that was there
// before, in the same words, keeps its own.
func (r *report) merged(old []api.Condition, now metav1.Time) []api.Condition {
	var merged []api.Condition
	for _, c := range r.conditions {
		c.Message = clip(c.Message)
		c.LastTransitionTime = &now
		i := slices.IndexFunc(old, func(o api.Condition) bool { return o.Type == c.Type && o.Message == c.Message })
		if i >= 0 {
			c.LastTransitionTime = old[i].LastTransitionTime
		}
		merged = append(merged, c)
	}
	return merged
}

// maxMessage bounds a message in status, in bytes.
const maxMessage = 2048

// clip shortens a message and takes control characters out of it, for much of
// it was written by strangers (SECURITY.md C23).
func clip(message string) string {
	message = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, message)
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}

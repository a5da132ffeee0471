package notify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/event"
)

// reasonFailed is that of Events about what could not be told.
const reasonFailed = "NotificationFailed"

// complain tells, once, what keeps recipients from being told of an Application.
func (n *Notifier) complain(app *api.Application, mistakes []string) {
	slices.Sort(mistakes)
	text := strings.Join(slices.Compact(mistakes), "; ")
	n.mu.Lock()
	k := n.of(nameOf(app))
	same := k.told == text
	k.told = text
	n.mu.Unlock()
	if !same && text != "" {
		n.fail(app, text)
	}
}

// outcome is told what became of a message.
func (n *Notifier) outcome(l *letter, err error) {
	n.Delivered(l.Trigger, l.To.Service, err == nil)
	if err != nil {
		n.fail(l.app, fmt.Sprintf("%s to %s %s: %s", l.Trigger, l.To.Service, l.To.Recipient, l.config.Clean(err.Error())))
		return
	}
	n.Log.Info("notified", "application", nameOf(l.app), "trigger", l.Trigger, "service", l.To.Service, "recipient", l.config.Clean(l.To.Recipient))
}

func (n *Notifier) fail(app *api.Application, text string) {
	if n.Redact != nil {
		text = n.Redact(app, text)
	}
	n.Log.Warn("not notified", "application", nameOf(app), "error", text)
	n.Record(app, event.Event{Warning: true, Reason: reasonFailed, Message: text})
}

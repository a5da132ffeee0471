package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/window"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A topic is what a reason is about.
type topic string

const (
	topicDeletion  topic = "deletion"
	topicAgent     topic = "agent"     // it has not looked, or does not
	topicSync      topic = "sync"      // an object is out of sync
	topicIdle      topic = "idle"      // why nothing is done about it
	topicBlocked   topic = "blocked"   // who does not let it be done
	topicOperation topic = "operation" // what runs, or has failed
	topicHealth    topic = "health"
	topicCondition topic = "condition"
)

// A reason is one answer to why.
type reason struct {
	Topic  topic       `json:"topic"`
	Text   string      `json:"text"`
	Object *objectName `json:"object,omitempty"`
	// Fields are what differs in the object.
	Fields []diff.Field `json:"fields,omitempty"`
	// Since and Until are when it began, and when it ends by itself.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Hint is what a person can do.
	Hint string `json:"hint,omitempty"`
}

// A whyReport is the whole answer.
type whyReport struct {
	Application string             `json:"application"`
	Sync        api.SyncCode       `json:"sync,omitempty"`
	Revision    string             `json:"revision,omitempty"`
	Health      api.HealthCode     `json:"health,omitempty"`
	Operation   api.OperationPhase `json:"operation,omitempty"`
	Reasons     []reason           `json:"reasons"`
	// Ignored are differences that do not count.
	Ignored []shownDifference `json:"ignored,omitempty"`
	Notes   []string          `json:"notes,omitempty"`
}

// whys are what there is to reason from.
type whys struct {
	app          *api.Application
	windows      *window.Windows // nil if unknown
	dependencies []dependency
	look         *look // nil if only the status is known
	notes        []string
	now          time.Time
	rest         time.Duration // of a failed revision
}

func (w *whys) note(err error) {
	if err != nil {
		w.notes = append(w.notes, oneLine(err.Error()))
	}
}

func (w *whys) report() whyReport {
	s := w.app.Status
	out := whyReport{
		Application: w.app.Namespace + "/" + w.app.Name, Sync: s.Sync.Status, Revision: revisionOf(w.app), Health: s.Health.Status,
		Reasons: []reason{}, Notes: w.notes,
	}
	if s.OperationState != nil {
		out.Operation = s.OperationState.Phase
	}
	for _, find := range []func() []reason{w.deletion, w.agent, w.outOfSync, w.idle, w.blocked, w.operation, w.unhealthy, w.conditions} {
		out.Reasons = append(out.Reasons, find()...)
	}
	if w.look != nil {
		out.Ignored = slices.DeleteFunc(w.look.shown(), func(d shownDifference) bool { return len(d.Ignored) == 0 })
	}
	return out
}

func (w *whys) deletion() []reason {
	if w.app.DeletionTimestamp == nil {
		return nil
	}
	all := []reason{{Topic: topicDeletion, Text: "it is being deleted", Since: w.app.DeletionTimestamp.Time}}
	if len(w.app.Finalizers) > 0 {
		all[0].Text += ", and waits for " + strings.Join(w.app.Finalizers, ", ")
	}
	for _, res := range w.app.Status.Resources {
		all = append(all, reason{Topic: topicDeletion, Object: objectOf(res), Text: "was there when the agent looked last"})
	}
	return all
}

// agent says that the status does not tell of the Application as it is.
func (w *whys) agent() (all []reason) {
	s := w.app.Status
	add := func(text, hint string) { all = append(all, reason{Topic: topicAgent, Text: text, Hint: hint}) }
	if w.app.Annotations[api.AnnotationSkipReconcile] == "true" {
		add("the agent leaves it alone, for it has the annotation "+api.AnnotationSkipReconcile, "kubectl annotate application -n "+w.app.Namespace+" "+w.app.Name+" "+api.AnnotationSkipReconcile+"-")
	}
	switch {
	case s.ReconciledAt == nil && s.Sync.Status == "":
		add("no agent has looked at it yet", "is one running that looks after namespace "+w.app.Namespace+"?")
	case w.app.Annotations[api.AnnotationRefresh] != "":
		add("a refresh is asked for, and not done yet", "")
	}
	return all
}

func objectOf(res api.ResourceStatus) *objectName {
	return &objectName{res.Group, res.Kind, res.Namespace, res.Name}
}

// outOfSync names what differs: as it is now, or as the status has it.
func (w *whys) outOfSync() []reason {
	if w.look == nil {
		return w.outOfSyncByStatus()
	}
	var all []reason
	for _, d := range w.look.shown() {
		if d.Action == actNone {
			continue
		}
		name := d.objectName
		r := reason{Topic: topicSync, Object: &name, Text: strings.TrimPrefix(headingOf(d), d.key().String()+": "), Fields: d.Fields}
		if d.Error != "" {
			r.Text += "; its fields are not known: " + oneLine(d.Error)
		}
		all = append(all, r)
	}
	if len(all) == 0 && w.app.Status.Sync.Status == api.SyncCodeOutOfSync {
		all = append(all, reason{Topic: topicSync, Text: "the status says OutOfSync, but nothing differs any more: the agent is about to notice"})
	}
	return all
}

func (w *whys) outOfSyncByStatus() (all []reason) {
	for _, res := range w.app.Status.Resources {
		if res.Hook || res.Status != api.SyncCodeOutOfSync && res.Status != api.SyncCodeUnknown {
			continue
		}
		text := "differs from Git"
		switch {
		case res.RequiresPruning:
			text = "no longer in Git"
		case res.Status == api.SyncCodeUnknown:
			text = "refused by the AppProject"
		case res.Health != nil && res.Health.Status == api.HealthMissing:
			text = "not there"
		}
		all = append(all, reason{Topic: topicSync, Object: objectOf(res), Text: text})
	}
	return all
}

// unhealthy names the objects that are not as they should be.
func (w *whys) unhealthy() (all []reason) {
	health := w.app.Status.Health
	if health.Status == "" || health.Status == api.HealthHealthy {
		return nil
	}
	since := time.Time{}
	if health.LastTransitionTime != nil {
		since = health.LastTransitionTime.Time
	}
	absent := false
	for _, res := range w.app.Status.Resources {
		if res.Hook || res.Health == nil || res.Health.Status == api.HealthHealthy || res.Health.Status == "" {
			continue
		}
		if res.Health.Status == api.HealthMissing && res.Status == api.SyncCodeOutOfSync {
			absent = true // which was said
			continue
		}
		text := "is " + string(res.Health.Status)
		if res.Health.Message != "" {
			text += ": " + oneLine(res.Health.Message)
		}
		all = append(all, reason{Topic: topicHealth, Object: objectOf(res), Text: text, Since: since})
	}
	if len(all) == 0 && !absent {
		text := "it is " + string(health.Status)
		if health.Message != "" {
			text += ": " + oneLine(health.Message)
		}
		all = append(all, reason{Topic: topicHealth, Text: text, Since: since})
	}
	return all
}

func (w *whys) conditions() (all []reason) {
	op := w.app.Status.OperationState
	for _, c := range w.app.Status.Conditions {
		if op != nil && op.Phase != api.OperationSucceeded && strings.Contains(op.Message, c.Message) {
			continue // which was said
		}
		r := reason{Topic: topicCondition, Text: fmt.Sprintf("%s: %s", c.Type, oneLine(c.Message))}
		if c.LastTransitionTime != nil {
			r.Since = c.LastTransitionTime.Time
		}
		all = append(all, r)
	}
	return all
}

// keyOf is an object of a result.
func keyOf(r api.ResourceResult) manifest.Key {
	return manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

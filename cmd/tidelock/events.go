package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/event"
	"k8s.io/apimachinery/pkg/types"
)

// Reasons of Events, as Argo CD has them.
const (
	reasonStarted   = "OperationStarted"
	reasonCompleted = "OperationCompleted"
	reasonUpdated   = "ResourceUpdated"
)

// turned tells by Events what has become of an Application, from one status to the
// next.
func (p *parts) turned(was, now *api.Application) {
	if !p.replicas.owns(types.NamespacedName{Namespace: now.Namespace, Name: now.Name}) {
		return // whose it is tells of it
	}
	p.notifier.Turned(was, now)
	for _, e := range turns(was, now) {
		p.events.Record(now, e)
	}
}

// turns are the Events of a change of status. What a status holds is fit to be read by
// anybody who may read the Application.
func turns(was, now *api.Application) []event.Event {
	all := operationTurns(was.Status.OperationState, now.Status.OperationState)
	if e := statusTurn(&was.Status, &now.Status, len(all) > 0); e.Message != "" {
		all = append(all, e)
	}
	for _, c := range now.Status.Conditions {
		known := slices.ContainsFunc(was.Status.Conditions, func(old api.Condition) bool { return old.Type == c.Type && old.Message == c.Message })
		if !known {
			all = append(all, event.Event{Warning: strings.HasSuffix(string(c.Type), "Error"), Reason: string(c.Type), Message: c.Message})
		}
	}
	return all
}

// statusTurn is one Event of what has changed of sync status and health. That a sync began
// or ended says by itself that what it is about has changed; and that nothing is there
// yet, at the first look, is nothing to be warned of.
func statusTurn(was, now *api.ApplicationStatus, operated bool) event.Event {
	first, e := was.Sync.Status == "", event.Event{Reason: reasonUpdated}
	var texts []string
	if a, b := was.Sync.Status, now.Sync.Status; a != b && !operated {
		texts = append(texts, fmt.Sprintf("sync status: %s -> %s", orUnknown(a), orUnknown(b)))
	}
	if a, b := was.Health.Status, now.Health.Status; a != b && (!first || !operated || b != api.HealthMissing) {
		texts = append(texts, fmt.Sprintf("health status: %s -> %s", orUnknown(a), orUnknown(b)))
		e.Warning = b == api.HealthDegraded || b == api.HealthMissing && !first
	}
	if len(texts) > 0 {
		e.Message = "Updated " + strings.Join(texts, ", ")
	}
	return e
}

func orUnknown[T ~string](code T) string {
	if code == "" {
		return "Unknown"
	}
	return string(code)
}

// operationTurns are those of an operation that has begun, or ended.
func operationTurns(was, now *api.OperationState) []event.Event {
	if now == nil {
		return nil
	}
	same := was != nil && was.StartedAt.Equal(&now.StartedAt)
	by := "by " + now.Operation.InitiatedBy.Username
	if now.Operation.InitiatedBy.Automated {
		by = "automated"
	} else if now.Operation.InitiatedBy.Username == "" {
		by = "as asked for"
	}
	var all []event.Event
	if !same {
		all = append(all, event.Event{Reason: reasonStarted, Message: fmt.Sprintf("Began %s%s, %s", what(now), syncedTo(now), by)})
	}
	if !now.Phase.Completed() || same && was.Phase == now.Phase {
		return all
	}
	failed := now.Phase != api.OperationSucceeded
	return append(all, event.Event{
		Warning: failed, Reason: reasonCompleted, Message: fmt.Sprintf("Sync%s %s: %s", syncedTo(now), map[bool]string{true: "failed", false: "succeeded"}[failed], now.Message),
	})
}

// what says what an operation is for: that of an Application which has drifted names what
// has.
func what(op *api.OperationState) string {
	sync := op.Operation.Sync
	if sync == nil || !op.Operation.InitiatedBy.Automated || len(sync.Resources) == 0 {
		return "a sync"
	}
	if len(sync.Resources) == 1 {
		return "to heal " + sync.Resources[0].Kind + " " + sync.Resources[0].Name
	}
	return fmt.Sprintf("to heal %d objects", len(sync.Resources))
}

// syncedTo is " to 1234567" of an operation that knows its commits.
func syncedTo(op *api.OperationState) string {
	if op.SyncResult == nil {
		return ""
	}
	all := revisionList(op.SyncResult.Revision, op.SyncResult.Revisions)
	for i, r := range all {
		all[i] = short(r)
	}
	if text := strings.Join(all, ", "); text != "" {
		return " to " + text
	}
	return ""
}

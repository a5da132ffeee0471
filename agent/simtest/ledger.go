package simtest

import (
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	"k8s.io/apimachinery/pkg/api/equality"
)

// request is the note by which an operation that somebody asked for is known.
const request = "simtest/request"

func requestOf(op *api.Operation) string {
	for _, info := range op.Info {
		if info.Name == request {
			return info.Value
		}
	}
	return ""
}

// application checks a write of an Application: operations begin once, and none is
// lost; the history grows by what has succeeded as a whole, and by nothing else.
func (m *watchman) application(c kube.Change) {
	if c.Verb == "delete" {
		return
	}
	if c.After == nil {
		delete(m.apps, c.Before.Name)
		return
	}
	before, after := m.apps[c.After.Name], asApplication(c.After)
	m.apps[c.After.Name] = after
	if before == nil || c.By != agentName {
		return
	}
	was, is := before.Status.OperationState, after.Status.OperationState
	if before.Operation != nil && after.Operation == nil && (is == nil || requestOf(&is.Operation) != requestOf(before.Operation)) {
		m.w.fail("operation %q was taken and is not under way", requestOf(before.Operation))
	}
	if is != nil && (was == nil || !was.StartedAt.Equal(&is.StartedAt) || requestOf(&was.Operation) != requestOf(&is.Operation)) {
		m.begins(before, after, was, is)
	}
	m.history(before, after, was, is)
}

func (m *watchman) begins(before, after *api.Application, was, is *api.OperationState) {
	if was != nil && !was.Phase.Completed() && !was.Operation.InitiatedBy.Automated {
		m.w.fail("operation %q is lost: another begins before its end", requestOf(&was.Operation))
	}
	note := requestOf(&is.Operation)
	if note == "" {
		return
	}
	if m.begun[note]++; m.begun[note] > 1 {
		m.w.fail("operation %q runs twice", note)
	}
	if before.Operation == nil || after.Operation != nil {
		m.w.fail("operation %q begins, and its request stays", note)
	}
}

// history checks that the list of past syncs tells what has happened.
func (m *watchman) history(before, after *api.Application, was, is *api.OperationState) {
	old, now := before.Status.History, after.Status.History
	ended := is != nil && is.Phase == api.OperationSucceeded && (was == nil || was.Phase != api.OperationSucceeded || !was.StartedAt.Equal(&is.StartedAt))
	full := ended && len(is.Operation.Sync.Resources) == 0 && !is.Operation.Sync.DryRun
	if !full {
		if !equality.Semantic.DeepEqual(old, now) {
			m.w.fail("the history changes, and no full sync has succeeded")
		}
		return
	}
	if len(now) == 0 {
		m.w.fail("a full sync has succeeded and is not in the history")
		return
	}
	last := now[len(now)-1]
	want := int64(0)
	if len(old) > 0 {
		want = old[len(old)-1].ID + 1
	}
	switch {
	case last.ID != want:
		m.w.fail("history entry %d follows %d", last.ID, want-1)
	case last.Revision != is.SyncResult.Revision:
		m.w.fail("history names revision %.7s, the sync was to %.7s", last.Revision, is.SyncResult.Revision)
	case len(now) != min(len(old)+1, after.Spec.HistoryLimit()):
		m.w.fail("the history has %d entries after %d", len(now), len(old))
	}
	m.ran(after, is)
}

// ran checks that a full sync that has succeeded has run its hooks.
func (m *watchman) ran(app *api.Application, op *api.OperationState) {
	if !withHooks(op.Operation.Sync) {
		return
	}
	set, err := m.w.git.set(app, op.SyncResult.Revision)
	if err != nil {
		m.w.fail("the operation is for %q: %v", op.SyncResult.Revision, err)
		return
	}
	for _, o := range set {
		for _, word := range api.ParseList(o.Annotations[api.AnnotationHook]) {
			if !slices.Contains([]string{"PreSync", "Sync", "PostSync"}, word) || o.Key.Name == "" {
				continue
			}
			if at := m.hooks[app.Name+" "+word+" "+o.Key.Name]; at.Before(op.StartedAt.Time) {
				m.w.fail("the sync of %.7s has succeeded without its %s hook %s", op.SyncResult.Revision, word, o.Key)
			}
		}
	}
}

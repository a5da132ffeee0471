package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// An action is what a sync does with an object.
type action string

const (
	actCreate  action = "create"
	actUpdate  action = "update"
	actDrift   action = "drift" // an update of what somebody else has changed
	actPrune   action = "prune"
	actKeep    action = "keep"    // it is no longer in Git, and stays
	actLeave   action = "leave"   // it is another Application's
	actRefused action = "refused" // the project, or the API server, does not let it be
	actNone    action = "none"
)

// A shownDifference is a difference for programs.
type shownDifference struct {
	objectName
	Action action `json:"action"`
	// Reason is why the object is kept, left or refused.
	Reason string `json:"reason,omitempty"`
	// Adopted: it is there, and nobody's yet.
	Adopted bool `json:"adopted,omitempty"`
	// Restarts says why its pods restart, if it is for what they use.
	Restarts string `json:"restarts,omitempty"`
	Origin   string `json:"origin,omitempty"`
	// Fields are what a sync changes in it; extra ones stay.
	Fields  []diff.Field  `json:"fields,omitempty"`
	Ignored []diff.Hidden `json:"ignored,omitempty"`
	// Error is why the fields are not known.
	Error string `json:"error,omitempty"`
}

// An objectName names an object for programs.
type objectName struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

func nameOf(k manifest.Key) objectName { return objectName{k.Group, k.Kind, k.Namespace, k.Name} }

func (n objectName) key() manifest.Key {
	return manifest.Key{Group: n.Group, Kind: n.Kind, Namespace: n.Namespace, Name: n.Name}
}

// String is as kubectl takes it: deployment.apps/web.
func (n objectName) String() string {
	kind := strings.ToLower(n.Kind)
	if n.Group != "" {
		kind += "." + n.Group
	}
	return kind + "/" + n.Name
}

// changed are the fields that a sync changes; the others have been added, and
// stay.
func (d shownDifference) changed() []diff.Field {
	return slices.DeleteFunc(slices.Clone(d.Fields), func(f diff.Field) bool { return f.Extra })
}

// shown are the differences of a look, in the order of the plan's changes.
func (l *look) shown() []shownDifference {
	all := []shownDifference{}
	for _, d := range l.differences {
		if l.selects(d.Key) {
			all = append(all, l.show(d))
		}
	}
	return all
}

// selects says that an object is asked about.
func (l *look) selects(key manifest.Key) bool {
	only := l.op.Sync.Resources
	return len(only) == 0 || slices.ContainsFunc(only, func(r api.SyncResource) bool {
		return key == manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
	})
}

func (l *look) show(d reconcile.Difference) shownDifference {
	out := shownDifference{objectName: nameOf(d.Key), Fields: d.Fields, Ignored: d.Ignored}
	if d.Desired != nil && d.Desired.Origin != (manifest.Origin{}) {
		out.Origin = d.Desired.Origin.String()
	}
	out.Adopted, out.Restarts = d.Adopted, d.Restarts()
	out.Action, out.Reason = l.action(d)
	if err := l.unknown(d); err != nil && out.Action != actRefused {
		out.Error = err.Error()
	}
	return out
}

// unknown is why it cannot be told how an object differs.
func (l *look) unknown(d reconcile.Difference) error {
	for _, r := range l.Rejected {
		if r.Key == d.Key && lacksRight(r.Err) {
			return r.Err
		}
	}
	return d.Err
}

// lacksRight says that it is not the object that the API server refuses, but the
// person. Both are Forbidden, and only the message tells (RBAC's is in
// k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go); that of a
// Secret is withheld.
func lacksRight(err error) bool {
	return strings.Contains(err.Error(), "cannot patch resource") || strings.Contains(err.Error(), "Forbidden: secrets ")
}

// action tells what a sync does with an object, and why it does nothing.
func (l *look) action(d reconcile.Difference) (action, string) {
	for _, r := range l.Rejected {
		if r.Key == d.Key && !lacksRight(r.Err) {
			return actRefused, r.Err.Error()
		}
	}
	switch d.Verdict {
	case diff.Create:
		return actCreate, ""
	case diff.Update, diff.Ask:
		return actUpdate, ""
	case diff.Drift:
		return actDrift, ""
	case diff.Extra:
		return l.extra(d.Key)
	case diff.Foreign:
		return actLeave, "it belongs to application " + d.Live.App
	case diff.Refused:
		return actRefused, l.Refused[d.Key]
	}
	return actNone, ""
}

func (l *look) extra(key manifest.Key) (action, string) {
	if slices.Contains(l.Plan.Prunes(), key) {
		return actPrune, ""
	}
	for _, s := range l.Plan.Skipped {
		if s.Change.Key == key {
			return actKeep, s.Reason
		}
	}
	return actPrune, "it is being deleted"
}

// counts says that the object makes its Application OutOfSync.
func (l *look) counts(d reconcile.Difference) bool { return d.OutOfSync() && !d.Tolerated() }

// differs says that the Application is OutOfSync, as far as it is asked about.
func (l *look) differs() bool {
	return slices.ContainsFunc(l.differences, func(d reconcile.Difference) bool { return l.selects(d.Key) && l.counts(d) })
}

// refusal is an error if a sync would not get through.
func (l *look) refusal() error {
	n := len(l.Refused)
	for _, r := range l.Rejected {
		if !lacksRight(r.Err) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("the sync would fail: %d %s refused", n, plural(n, "object is", "objects are"))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

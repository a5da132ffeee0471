package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	appType  = metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: "Application"}
	listType = metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: "ApplicationList"}
)

// short is a revision as people write it.
func short(revision string) string { return api.ShortRevision(revision) }

// revisionOf is the commit, or the commits, that an Application was compared with.
func revisionOf(app *api.Application) string {
	if len(app.Status.Sync.Revisions) == 0 {
		return app.Status.Sync.Revision
	}
	var all []string
	for _, r := range app.Status.Sync.Revisions {
		all = append(all, short(r))
	}
	return strings.Join(all, ",")
}

func sourceText(app *api.Application) string {
	var all []string
	for _, s := range app.Spec.AllSources() {
		text := s.RepoURL
		if s.Path != "" {
			text += " " + s.Path
		}
		if s.TargetRevision != "" {
			text += " @" + s.TargetRevision
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func destinationText(app *api.Application) string {
	to := app.Spec.Destination
	server := to.Server
	if server == "" {
		server = to.Name
	}
	return strings.TrimSpace(server + " " + to.Namespace)
}

func syncText(app *api.Application) string {
	text := orDash(string(app.Status.Sync.Status))
	if revision := revisionOf(app); revision != "" {
		text += " with " + short(revision)
	}
	return text
}

// operationWord is the phase of the last operation; one that is asked for, or
// waits for its next try, says so.
func operationWord(app *api.Application) string {
	op := app.Status.OperationState
	switch {
	case app.DeletionTimestamp != nil:
		return "Deleting"
	case app.Operation != nil:
		return "Requested"
	case op == nil:
		return "-"
	case !op.Phase.Completed() && op.FinishedAt != nil:
		return "Retrying"
	}
	return string(op.Phase)
}

func operationText(app *api.Application, now time.Time) string {
	op := app.Status.OperationState
	if op == nil || app.Operation != nil || app.DeletionTimestamp != nil {
		return operationWord(app)
	}
	since := op.StartedAt.Time
	if op.FinishedAt != nil {
		since = op.FinishedAt.Time
	}
	text := fmt.Sprintf("%s %s ago", operationWord(app), age(since, now))
	if op.SyncResult != nil && op.SyncResult.Revision != "" {
		text += ", at " + short(op.SyncResult.Revision)
	}
	if who := op.Operation.InitiatedBy.Username; who != "" {
		text += ", by " + who
	}
	return text + ": " + oneLine(op.Message)
}

// trouble is the first thing that a person should know of an Application.
func trouble(app *api.Application) string {
	for _, c := range app.Status.Conditions {
		return string(c.Type) + ": " + c.Message
	}
	if op := app.Status.OperationState; op != nil && op.Phase != api.OperationSucceeded {
		return op.Message
	}
	return app.Status.Health.Message
}

package reconcile

import (
	"github.com/tidelock-io/tidelock/agent/api"
)

// remember appends a full, successful sync to the history and trims it, oldest
// first (SEMANTICS.md 1.7).
func remember(app *api.Application, op *api.OperationState) []api.RevisionHistory {
	history := app.Status.History
	entry := api.RevisionHistory{
		Revision: op.SyncResult.Revision, Revisions: op.SyncResult.Revisions,
		Source: op.SyncResult.Source, Sources: op.SyncResult.Sources,
		DeployStartedAt: &op.StartedAt, DeployedAt: *op.FinishedAt,
		InitiatedBy: op.Operation.InitiatedBy,
	}
	if len(history) > 0 {
		entry.ID = history[len(history)-1].ID + 1
	}
	history = append(history[:len(history):len(history)], entry)
	return history[max(0, len(history)-app.Spec.HistoryLimit()):]
}

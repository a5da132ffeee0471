package main

import (
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A shownOutcome is an outcome for programs.
type shownOutcome struct {
	Application string `json:"application"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	Result      ending `json:"result"`
	Error       string `json:"error,omitempty"`
	// Gone: there is no such Application any more.
	Gone   bool           `json:"gone,omitempty"`
	Sync   api.SyncCode   `json:"sync,omitempty"`
	Health api.HealthCode `json:"health,omitempty"`
	// Revisions are those that the Application was compared with.
	Revisions []string `json:"revisions"`
	// Operation is absent if it has not begun.
	Operation  *shownOperation `json:"operationState,omitempty"`
	Conditions []api.Condition `json:"conditions,omitempty"`
}

// A shownOperation is an operation for programs, in Argo CD's words.
type shownOperation struct {
	Phase   api.OperationPhase `json:"phase"`
	Message string             `json:"message,omitempty"`
	// Revisions are those that it is bound to.
	Revisions []string    `json:"revisions"`
	StartedAt metav1.Time `json:"startedAt"`
	// FinishedAt is there in phase Running, too, if the next try is awaited.
	FinishedAt  *metav1.Time  `json:"finishedAt,omitempty"`
	RetryCount  int64         `json:"retryCount"`
	DryRun      bool          `json:"dryRun,omitempty"`
	InitiatedBy api.Initiator `json:"initiatedBy"`
	Objects     []shownResult `json:"objects"`
}

// A shownResult is what an operation has done with an object, or a hook.
type shownResult struct {
	objectName
	// Wave is absent if it is not known, as of what has been deleted.
	Wave      *int64             `json:"wave,omitempty"`
	SyncPhase api.SyncPhase      `json:"syncPhase,omitempty"`
	Status    api.ResultCode     `json:"status,omitempty"`
	HookType  api.HookType       `json:"hookType,omitempty"`
	HookPhase api.OperationPhase `json:"hookPhase,omitempty"`
	Message   string             `json:"message,omitempty"`
}

func (o *outcome) shown() shownOutcome {
	s := shownOutcome{
		Application: o.namespace + "/" + o.name, Namespace: o.namespace, Name: o.name,
		Result: o.ending(), Gone: o.gone, Revisions: []string{},
	}
	if o.err != nil {
		s.Error = o.err.Error()
	}
	if o.app != nil {
		status := o.app.Status
		s.Sync, s.Health, s.Conditions = status.Sync.Status, status.Health.Status, status.Conditions
		s.Revisions = revisionList(status.Sync.Revision, status.Sync.Revisions)
	}
	if o.op != nil {
		s.Operation = showOperation(o.op, wavesOf(o.app))
	}
	return s
}

func showOperation(op *api.OperationState, waves map[objectName]int64) *shownOperation {
	s := &shownOperation{
		Phase: op.Phase, Message: op.Message, Revisions: []string{}, StartedAt: op.StartedAt, FinishedAt: op.FinishedAt,
		RetryCount: op.RetryCount, InitiatedBy: op.Operation.InitiatedBy, Objects: []shownResult{},
	}
	if op.Operation.Sync != nil {
		s.DryRun = op.Operation.Sync.DryRun
	}
	if op.SyncResult == nil {
		return s
	}
	s.Revisions = revisionList(op.SyncResult.Revision, op.SyncResult.Revisions)
	for _, r := range op.SyncResult.Resources {
		shown := shownResult{
			objectName: nameOf(keyOf(r)), SyncPhase: r.SyncPhase, Status: r.Status,
			HookType: r.HookType, HookPhase: r.HookPhase, Message: r.Message,
		}
		if wave, known := waves[shown.objectName]; known {
			shown.Wave = &wave
		}
		s.Objects = append(s.Objects, shown)
	}
	return s
}

// wavesOf are the waves of an Application's objects, as its status has them.
func wavesOf(app *api.Application) map[objectName]int64 {
	waves := map[objectName]int64{}
	if app != nil {
		for _, res := range app.Status.Resources {
			waves[*objectOf(res)] = res.SyncWave
		}
	}
	return waves
}

// revisionList is one revision, or several, as a list; never nil.
func revisionList(one string, several []string) []string {
	switch {
	case len(several) > 0:
		return slices.Clone(several)
	case one != "":
		return []string{one}
	}
	return []string{}
}

// shownOutcomes is a list of them; never nil.
func shownOutcomes(all []*outcome) []shownOutcome {
	shown := make([]shownOutcome, len(all))
	for i, o := range all {
		shown[i] = o.shown()
	}
	return shown
}

package reconcile

import (
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"k8s.io/apimachinery/pkg/api/equality"
)

// infoOf is an entry of an operation's info, "" if there is none.
func infoOf(op *api.OperationState, name string) string {
	for _, info := range op.Operation.Info {
		if info.Name == name {
			return strings.TrimSpace(info.Value)
		}
	}
	return ""
}

// approve notes in an operation that is about to begin by which hash it was
// approved, if that was demanded, or that its deletions were. They are done in several
// steps, and what is left after the first of them is another plan.
func (p *pass) approve(op *api.OperationState, hash string, changes []diff.Change) {
	if hash == "" && p.releases(op, changes) {
		hash = deletionsOnly
	}
	if hash != "" {
		op.Operation.Info = append(withoutApproved(op.Operation.Info), api.Info{Name: api.AnnotationApproved, Value: hash})
	}
}

// deletionsOnly is the note of an operation of which the deletions were approved.
const deletionsOnly = "deletions"

// releases says that somebody has approved of an operation's deletions.
func (p *pass) releases(op *api.OperationState, changes []diff.Change) bool {
	policy := p.policy(op)
	return policy.Approved != "" && !policy.Released && plan.Build(changes, nil, policy).Hash() == policy.Approved
}

// approved says that an operation has begun with somebody's approval of its plan.
func approved(op *api.OperationState) bool {
	by := infoOf(op, api.AnnotationApproved)
	return by != "" && by != deletionsOnly
}

// withoutApproved is the info of an operation but for the agent's own note, which
// nobody else may write.
func withoutApproved(infos []api.Info) []api.Info {
	return slices.DeleteFunc(slices.Clone(infos), func(i api.Info) bool { return i.Name == api.AnnotationApproved })
}

// AwaitsApproval says from its status that an operation waits for the approval of
// the plan of a hash.
func AwaitsApproval(op *api.OperationState, hash string) bool {
	if op == nil || op.Phase != api.OperationRunning || approved(op) || !strings.HasPrefix(op.Message, held) {
		return false
	}
	_, text, _ := strings.Cut(op.Message, api.AnnotationApprove+": ")
	asked, _, _ := strings.Cut(text, " ")
	return asked == hash
}

// held begins the message of what waits for approval.
const held = "sync is held: "

// approvedOperation is the one that runs with somebody's approval, nil if none does.
func (p *pass) approvedOperation() *api.OperationState {
	op := p.status.OperationState
	if p.demand == "" || op == nil || op.Phase.Completed() || op.SyncResult == nil || !bound(op) || !approved(op) {
		return nil
	}
	return op
}

// boundRevisions are the commits that an operation is bound to.
func boundRevisions(op *api.OperationState) []string {
	if len(op.SyncResult.Revisions) > 0 {
		return op.SyncResult.Revisions
	}
	return []string{op.SyncResult.Revision}
}

// carriesOn says that an operation needs no approval any more: it was given, or was
// not demanded yet when a try that is under way began.
func (p *pass) carriesOn(op *api.OperationState, desired *Desired) bool {
	if op != p.status.OperationState || op.SyncResult == nil || !p.boundTo(op, desired) {
		return false
	}
	return approved(op) || op.FinishedAt == nil && begun(op)
}

// boundTo says that an operation is bound to the commits and the sources of what is
// desired now.
func (p *pass) boundTo(op *api.OperationState, desired *Desired) bool {
	app, result := withSources(p.app, &op.Operation), op.SyncResult
	sources, then, revisions := app.Spec.AllSources(), result.Sources, result.Revisions
	if !app.Spec.HasMultipleSources() {
		then, revisions = []api.Source{result.Source}, []string{result.Revision}
	}
	return bound(op) && slices.Equal(revisions, desired.Revisions) && equality.Semantic.DeepEqual(then, sources)
}

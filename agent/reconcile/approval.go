package reconcile

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
)

// ConditionApprovalWarning says that a sync is held until somebody approves of its
// plan, and how that is done.
const ConditionApprovalWarning api.ConditionType = "ApprovalWarning"

// demandOf says who demands that somebody approves of the plan of a sync, "" if
// nobody does (see [api.AnnotationRequireApproval]).
func demandOf(app *api.Application, project *api.AppProject) string {
	switch {
	case api.RequiresApproval(project.Annotations):
		return "AppProject " + project.Name
	case api.RequiresApproval(app.Annotations):
		return "the Application"
	}
	return ""
}

// planOf is what an operation would do as a whole: what a person approves of. An
// approval is of the deletions, too, so that nothing in it asks for another consent.
func (p *pass) planOf(op *api.OperationState, desired *Desired, changes []diff.Change, runs []plan.Run) plan.Plan {
	policy := p.policy(op)
	if p.demand != "" {
		policy.Whole, policy.Subject, policy.Confirmed = true, p.subjectOf(op, desired), true
	}
	return plan.Build(changes, runs, policy)
}

// approves says whether an operation may begin, or go on, as far as approval is
// concerned, and by which hash, "" if it needs none. If it may not, the operation is
// told. There may be none.
func (p *pass) approves(op *api.OperationState, desired *Desired, changes []diff.Change) (hash string, ok bool) {
	if op == nil || p.demand == "" || op.Operation.Sync.DryRun || p.carriesOn(op, desired) {
		return "", op != nil
	}
	runs, err := p.runs(op, desired)
	if err != nil {
		p.awaitApproval(op, approval{lacks: err.Error()})
		return "", false
	}
	found := p.judgeApproval(op, desired, p.planOf(op, desired, changes, runs))
	if found.lacks != "" {
		p.awaitApproval(op, found)
		return "", false
	}
	return found.hash, true
}

// An approval is what is known of somebody's approval of a plan.
type approval struct {
	hash  string // by which it was approved; "" if it was not, or needs not be
	lacks string // why the plan has to wait for it, "" if it need not
	other bool   // another plan was approved
}

// judgeApproval looks whether somebody has approved of a plan, if that is demanded.
func (p *pass) judgeApproval(op *api.OperationState, desired *Desired, todo plan.Plan) approval {
	makesNamespace := op.Operation.Sync.SyncOptions.Has(api.SyncOptionCreateNamespace)
	if p.demand == "" || op.Operation.Sync.DryRun || todo.Done() && !makesNamespace {
		return approval{}
	}
	text := held + p.demand + " demands approval"
	if open := unclear(todo); open != nil {
		return approval{lacks: fmt.Sprintf("%s, and it cannot be told yet of what: the API server does not say how %s stands", text, open.Key)}
	}
	hash, given := todo.Hash(), infoOf(op, api.AnnotationApprove)
	if given == "" {
		given = strings.TrimSpace(p.app.Annotations[api.AnnotationApprove])
	}
	if given == hash {
		return approval{hash: hash}
	}
	text += fmt.Sprintf(" of a sync to %s in %s: approve with annotation %s: %s", shortened(desired.Revisions), steps(todo.Steps()), api.AnnotationApprove, hash)
	if given != "" {
		text += fmt.Sprintf(" (%.40q, which is approved, is another plan)", given)
	}
	return approval{lacks: text, other: given != ""}
}

// shortened are revisions as people write them.
func shortened(revisions []string) string {
	short := make([]string, len(revisions))
	for i, r := range revisions {
		short[i] = api.ShortRevision(r)
	}
	return strings.Join(short, ", ")
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}

// unclear returns a step that the API server has not answered about, so that nobody
// can say whether it is one.
func unclear(todo plan.Plan) *diff.Change {
	for _, w := range todo.Waves {
		for _, c := range w.Pending() {
			if c.Verdict == diff.Ask {
				return &c
			}
		}
	}
	return nil
}

// awaitApproval has an operation wait. An automatic one is not begun; one that
// somebody asked for waits as long as a sync may take, unless it names the plan that
// it is approved by, and that is another.
func (p *pass) awaitApproval(op *api.OperationState, found approval) {
	p.report.add(ConditionApprovalWarning, found.lacks)
	if op.Operation.InitiatedBy.Automated && op != p.status.OperationState && !p.taken {
		return
	}
	op.Message = clip(found.lacks)
	p.status.OperationState = op
	since := op.StartedAt
	if op.FinishedAt != nil {
		since = *op.FinishedAt // of the try before
	}
	timeout := p.timeout(api.AnnotationSyncTimeout, nil, defaultSyncTimeout)
	left := since.Add(timeout).Sub(p.now.Time)
	switch {
	case found.other && infoOf(op, api.AnnotationApprove) != "":
		p.conclude(op, api.OperationError, found.lacks)
	case left <= 0:
		p.conclude(op, api.OperationError, fmt.Sprintf("not approved within %s (%s): %s", timeout, api.AnnotationSyncTimeout, found.lacks))
	default:
		p.soon(left)
	}
}

// A subject is what an approval is of, besides the steps.
type subject struct {
	Revisions   []string
	Sources     []api.Source
	Destination api.Destination
	Options     []string
	Force       bool
	Namespace   *api.ManagedNamespaceMetadata
}

// subjectOf tells it as text that is the same in another process.
func (p *pass) subjectOf(op *api.OperationState, desired *Desired) string {
	options := p.options(op)
	s := subject{
		Revisions: desired.Revisions, Sources: withSources(p.app, &op.Operation).Spec.AllSources(),
		Destination: p.to.dest,
		Options:     append([]string(nil), options.Sync...), Force: options.Force, Namespace: namespaceMetadata(p.app),
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) //nolint:forbidigo // it was decoded from JSON
	}
	return string(text)
}

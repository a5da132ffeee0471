package main

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// outcomeOptions are those of the commands that change an Application, or wait
// for it: people see how it goes, programs how it has ended.
type outcomeOptions struct {
	output string
}

// outcomeHelp ends the help text of these commands.
const outcomeHelp = `

With -o json or yaml, how it goes is told on stderr, line by line, and stdout gets
one document at the end, whatever the end is: application, namespace, name, result
(succeeded, failed, timeout, interrupted, or requested with --async) and error;
sync, health, revisions and conditions as they were seen last; and operationState,
the operation that is meant, once it has begun: phase, message, revisions,
startedAt, finishedAt, retryCount, initiatedBy, and objects with group, kind,
namespace, name, wave, syncPhase, status, hookType, hookPhase and message.`

func (o *outcomeOptions) outcomeFlag(cmd *cobra.Command) {
	addOutputFlag(cmd, &o.output, "text", "json", "yaml")
}

func (o *outcomeOptions) check() error { return checkOutput(o.output, "json", "yaml") }

// screen is where it is told how it goes.
func (o *outcomeOptions) screen(cmd *cobra.Command) *screen {
	if o.output == "" {
		return newScreen(cmd.OutOrStdout())
	}
	return &screen{out: cmd.ErrOrStderr()}
}

// one runs a command about the Application that its first argument names, and
// prints its outcome.
func (o *outcomeOptions) one(c *console, run func(ctx context.Context, args []string, s *screen, out *outcome) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return &usageError{cmd.CommandPath(), err}
		}
		out := c.outcome(args[0])
		out.err = run(cmd.Context(), args, o.screen(cmd), out)
		if isUsage(out.err) {
			return out.err
		}
		return o.tell(cmd.OutOrStdout(), out.shown(), out.err)
	}
}

// tell prints what programs are told, and returns how the command has ended.
func (o *outcomeOptions) tell(out io.Writer, value any, err error) error {
	if o.output == "" {
		return err
	}
	if printing := encode(out, o.output, value); err == nil {
		err = printing
	}
	return err
}

// An outcome is how a command about an Application has ended.
type outcome struct {
	namespace, name string
	app             *api.Application    // as it was seen last; nil if it never was, or is gone
	op              *api.OperationState // the operation that is meant, if it has begun
	requested       bool                // nobody waits for its end
	gone            bool
	err             error
}

// outcome is that of a command that has found out nothing yet.
func (c *console) outcome(arg string) *outcome {
	out := &outcome{}
	out.namespace, out.name = (&remote{namespace: c.namespace}).at(arg)
	return out
}

// saw takes note of an Application as it is now; nil if it is gone.
func (o *outcome) saw(app *api.Application) { o.app, o.gone = app, app == nil }

// An ending says in one word how a command has ended.
type ending string

const (
	endSucceeded   ending = "succeeded"
	endRequested   ending = "requested" // and its end is not waited for
	endFailed      ending = "failed"
	endTimeout     ending = "timeout"
	endInterrupted ending = "interrupted"
)

func (o *outcome) ending() ending {
	switch {
	case errors.Is(o.err, errTimeout):
		return endTimeout
	case errors.Is(o.err, errInterrupted):
		return endInterrupted
	case o.err != nil:
		return endFailed
	case o.requested:
		return endRequested
	}
	return endSucceeded
}

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

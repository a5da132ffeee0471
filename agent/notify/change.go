package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/api/equality"
)

// Found is what a pass has found out of an Application that its status does not say.
type Found struct {
	At time.Time
	// Drifts are objects that are not as they were applied.
	Drifts []Drift
	// Restarts say which workloads restart, and for what.
	Restarts []string
}

// A Drift is an object that somebody has changed.
type Drift struct {
	Object string
	// Fields say what it was changed to, and by whom.
	Fields []string
}

// Opened is a sync window that something waited for.
type Opened struct {
	// Since is when that began to wait: it names the event.
	Since time.Time
	// Waited is what the condition said.
	Waited string
}

// changeOf is what changed, why and by whom, in words. All texts are clipped, and
// what others have written is without markup.
func changeOf(m Moment) map[string]any {
	app, op := m.App, m.App.Status.OperationState
	change := map[string]any{
		"from": "", "to": "", "revision": revisionKey(app), "operation": "", "by": "", "why": "", "what": "",
		"heals": heals(op), "dryRun": op != nil && op.Operation.Sync != nil && op.Operation.Sync.DryRun,
		"drifts": drifts(app), "drifted": "", "degraded": degraded(app), "failed": "",
		"held": "", "heldFor": "", "opened": "", "openedSince": "", "secrets": "", "commit": commitLine(m),
	}
	change["drifted"] = drifted(m)
	if text := heldBy(app); text != "" {
		change["held"], change["heldFor"] = plain(text), planOf(text)
	}
	if m.Opened != nil {
		change["opened"], change["openedSince"] = plain(m.Opened.Waited), m.Opened.Since.UTC().Format(time.RFC3339)
	}
	if op == nil {
		return change
	}
	change["operation"] = op.StartedAt.UTC().Format(time.RFC3339) + " " + change["revision"].(string)
	change["from"], change["to"] = span(app)
	change["by"], change["why"] = by(op), why(m)
	change["what"], change["failed"] = did(op), failed(op)
	change["secrets"] = rotated(m)
	return change
}

// revisions are the commits of an operation.
func revisions(result *api.SyncResult) []string {
	switch {
	case result == nil:
		return nil
	case len(result.Revisions) > 0:
		return result.Revisions
	case result.Revision != "":
		return []string{result.Revision}
	}
	return nil
}

// revisionKey names what was to be synced: its commits, or else the operation.
func revisionKey(app *api.Application) string {
	op := app.Status.OperationState
	if op == nil {
		return ""
	}
	if all := revisions(op.SyncResult); len(all) > 0 {
		return strings.Join(all, ",")
	}
	return op.StartedAt.UTC().Format(time.RFC3339)
}

// span is from which commits to which the last operation led, shortened; from is "" if
// that is not known, or there was no way to go.
func span(app *api.Application) (from, to string) {
	op := app.Status.OperationState
	all := revisions(op.SyncResult)
	for i := len(app.Status.History) - 1; i >= 0; i-- {
		before := app.Status.History[i]
		if !before.DeployedAt.Before(&op.StartedAt) {
			continue
		}
		was := before.Revisions
		if before.Revision != "" {
			was = []string{before.Revision}
		}
		if !slices.Equal(was, all) {
			from = shortened(was)
		}
		break
	}
	return from, shortened(all)
}

func shortened(revisions []string) string {
	all := slices.Clone(revisions)
	for i, r := range all {
		if len(r) == 40 {
			all[i] = r[:7]
		}
	}
	return plain(strings.Join(all, ", "))
}

func heals(op *api.OperationState) bool {
	return op != nil && op.Operation.Sync != nil && op.Operation.Sync.SelfHealAttemptsCount > 0
}

// by is who began the operation.
func by(op *api.OperationState) string {
	switch who := op.Operation.InitiatedBy; {
	case who.Automated:
		return "the agent, as spec.syncPolicy.automated says"
	case who.Username != "":
		return plain(who.Username)
	}
	return "somebody who did not say who"
}

// why is what the operation was for.
func why(m Moment) string {
	op := m.App.Status.OperationState
	from, to := span(m.App)
	switch {
	case heals(op):
		return "live objects were changed by others than Git"
	case !op.Operation.InitiatedBy.Automated:
		return "it was asked for"
	case from != "":
		return fmt.Sprintf("commit %s followed %s", to, from)
	case len(m.App.Status.History) <= 1:
		return "it was there for the first time"
	}
	return "what Git states, or a value that it refers to, changed"
}

// commitLine is the first line of the commit's message, and its author's name.
func commitLine(m Moment) string {
	var lines []string
	op := m.App.Status.OperationState
	if op == nil || m.Commit == nil {
		return ""
	}
	for _, sha := range revisions(op.SyncResult) {
		c, err := m.describe(sha)
		if err != nil {
			continue
		}
		subject, _, _ := strings.Cut(c.Message, "\n")
		author, _, _ := strings.Cut(c.Author, " <")
		lines = append(lines, fmt.Sprintf("%s (%s)", plain(subject), plain(author)))
	}
	return strings.Join(lines, "; ")
}

// did lists what was done to objects.
func did(op *api.OperationState) string {
	if op.SyncResult == nil {
		return ""
	}
	var lines []string
	for _, r := range op.SyncResult.Resources {
		if r.Status != "" {
			lines = append(lines, fmt.Sprintf("%s: %s", resultKey(r), r.Message))
		}
	}
	return listed(lines)
}

// failed lists what could not be done, and why.
func failed(op *api.OperationState) string {
	if op.Phase != api.OperationFailed && op.Phase != api.OperationError {
		return ""
	}
	var lines []string
	if op.SyncResult != nil {
		for _, r := range op.SyncResult.Resources {
			if r.Status == api.ResultSyncFailed || r.HookPhase == api.OperationFailed || r.HookPhase == api.OperationError {
				lines = append(lines, fmt.Sprintf("%s: %s", resultKey(r), r.Message))
			}
		}
	}
	if len(lines) == 0 {
		lines = []string{op.Message}
	}
	return listed(lines)
}

// degraded lists the objects that are, and what they say.
func degraded(app *api.Application) string {
	var lines []string
	for _, r := range app.Status.Resources {
		if r.Health != nil && r.Health.Status == api.HealthDegraded && !r.Hook {
			lines = append(lines, fmt.Sprintf("%s: %s", statusKey(r), r.Health.Message))
		}
	}
	return listed(lines)
}

// rotated lists the Secrets that the last operation has changed, and the workloads that
// it restarted for what they use. One that was created is none.
func rotated(m Moment) string {
	op := m.App.Status.OperationState
	if op.Phase != api.OperationSucceeded || op.SyncResult == nil || op.Operation.Sync == nil || op.Operation.Sync.DryRun || heals(op) {
		return ""
	}
	var lines []string
	for _, r := range op.SyncResult.Resources {
		if r.Kind == "Secret" && r.Group == "" && r.HookType == "" && r.Status == api.ResultSynced && r.Message == "Secret configured" {
			lines = append(lines, resultKey(r)+" changed")
		}
	}
	if m.Found.before(op) {
		lines = append(lines, m.Found.Restarts...)
	}
	return listed(lines)
}

// before says that it was found before an operation ended: what it is about is over.
// Times in a status have no fractions.
func (f Found) before(op *api.OperationState) bool {
	return op != nil && op.Phase.Completed() && op.FinishedAt != nil && !f.At.Truncate(time.Second).After(op.FinishedAt.Time)
}

// drifts says that objects are not as they were applied, and are left so.
func drifts(app *api.Application) bool {
	op := app.Status.OperationState
	if app.Status.Sync.Status != api.SyncCodeOutOfSync || op == nil || op.Phase != api.OperationSucceeded || !full(op) || !current(app) {
		return false
	}
	waits := slices.ContainsFunc(app.Status.Conditions, func(c api.Condition) bool { return c.Type == conditionWindow })
	if policy := app.Spec.SyncPolicy; policy.IsAutomated() && policy.Automated.Heals() && !waits {
		return false
	}
	return len(outOfSync(app)) > 0
}

// full says that an operation was for the whole Application, and real.
func full(op *api.OperationState) bool {
	sync := op.Operation.Sync
	return sync != nil && !sync.DryRun && (len(sync.Resources) == 0 || heals(op))
}

// current says that what is compared with is what was synced last.
func current(app *api.Application) bool {
	synced, compared := app.Status.OperationState.SyncResult, app.Status.Sync
	is := compared.Revisions
	if compared.Revision != "" {
		is = []string{compared.Revision}
	}
	if synced == nil || !slices.Equal(revisions(synced), is) {
		return false
	}
	if len(synced.Sources) > 0 {
		return equality.Semantic.DeepEqual(synced.Sources, app.Spec.AllSources())
	}
	sources := app.Spec.AllSources()
	return len(sources) == 1 && equality.Semantic.DeepEqual(synced.Source, sources[0])
}

func outOfSync(app *api.Application) (all []string) {
	for _, r := range app.Status.Resources {
		if r.Status == api.SyncCodeOutOfSync && !r.RequiresPruning && !r.Hook {
			all = append(all, statusKey(r))
		}
	}
	return all
}

// drifted lists what drifted, or was put right: field by field and by whom, if that was
// seen.
func drifted(m Moment) string {
	var keys []string
	op := m.App.Status.OperationState
	switch {
	case drifts(m.App):
		keys = outOfSync(m.App)
	case heals(op) && op.SyncResult != nil:
		for _, r := range op.SyncResult.Resources {
			if r.HookType == "" && r.Status != "" {
				keys = append(keys, resultKey(r))
			}
		}
	}
	var lines []string
	for _, key := range keys {
		line := key
		for _, d := range m.Found.Drifts {
			if d.Object == key {
				line += ": " + strings.Join(d.Fields, "; ")
			}
		}
		lines = append(lines, line)
	}
	return listed(lines)
}

// conditionWindow is reconcile's SyncWindowWarning.
const conditionWindow api.ConditionType = "SyncWindowWarning"

// How messages of reconcile begin that say what is held.
const (
	heldDeletions = "deletions are held: "
	heldSync      = "sync is held: "
)

// heldBy says what is held, and how it goes on; "" if nothing is.
func heldBy(app *api.Application) string {
	for _, c := range app.Status.Conditions {
		for part := range strings.SplitSeq(c.Message, "; ") {
			if strings.HasPrefix(part, heldDeletions) || strings.HasPrefix(part, heldSync) {
				return c.Message
			}
		}
	}
	if op := app.Status.OperationState; op != nil && strings.HasPrefix(op.Message, heldSync) && !op.Phase.Completed() {
		return op.Message
	}
	return ""
}

var approval = regexp.MustCompile(regexp.QuoteMeta(api.AnnotationApprove) + ": ([0-9a-f]+)")

// planOf names what is held: by the hash that it is approved by, if the text tells.
func planOf(text string) string {
	if found := approval.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

func resultKey(r api.ResourceResult) string {
	return manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}.String()
}

func statusKey(r api.ResourceStatus) string {
	return manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}.String()
}

package agent_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// facts are what an operator who knows Argo CD relies on, by the numbers of
// SEMANTICS.md: its sections 1.4 to 1.8 and 2.1 to 2.8, and the list of surprising
// ones in 2.15. Each has a case, in one of the rooms, whose name begins with the
// fact's number. So no fact can lose its case.
//
// What is otherwise here than there, on purpose (DESIGN.md 4 and D1 to D13), says so.
var facts = []struct{ number, text, rooms string }{
	{"1.4 automated.enabled", "false turns automated off and keeps the rest", "agent/api agent/reconcile"},
	{"1.4 automated.prune", "without it extra objects alone begin no sync", "agent/reconcile"},
	{"1.4 automated.selfHeal", "drift at a synced revision is healed only with it", "agent/reconcile"},
	{"1.4 automated.allowEmpty", "what states nothing deletes nothing, without it", "agent/plan agent/reconcile"},
	{"1.4 syncOptions", "are copied into automatic operations", "agent/reconcile"},
	{"1.4 retry.limit", "none for a manual sync; negative is without end", "agent/api agent/reconcile"},
	{"1.4 retry.backoff", "5s, times 2, at most 3m; bare numbers are seconds", "agent/api agent/reconcile"},
	{"1.4 retry.refresh", "each retry takes the newest revision", "agent/reconcile"},
	{"1.4 auto-sync decision", "another revision or source begins a sync", "agent/reconcile"},
	{"1.4 self-heal pacing", "0, 2 s, 6 s, 18 s, at most 5 min", "agent/reconcile"},
	{"1.4 timeout.reconciliation", "how often Git is asked, and a look taken", "agent/reconcile cmd/tidelock"},
	{"1.4 timeout.reconciliation.jitter", "spreads the looks", "agent/reconcile"},
	{"1.4 timeout.hard.reconciliation", "drops what is kept; never by default", "agent/reconcile"},
	{"1.4 sync timeout", "from startedAt on; none by default", "agent/reconcile"},
	{"1.4 managedNamespaceMetadata", "another one is a reason to sync; a Namespace in Git counts before it", "cmd/tidelock"},
	{"1.4 revisionHistoryLimit", "ten; 0 keeps none; the oldest go first", "agent/api agent/reconcile"},

	{"1.5 jsonPointers", "RFC 6901", "agent/diff"},
	{"1.5 jqPathExpressions", "whatever a path expression selects", "agent/diff"},
	{"1.5 managedFieldsManagers", "all that a manager owns", "agent/diff"},
	{"1.5 globs", "group and kind", "agent/diff"},
	{"1.5 jq limit", "one second", "agent/diff"},
	{"1.5 pitfall", "a slash in a key is ~1", "agent/diff"},
	{"1.5 ignoreDifferences", "a sync applies what Git says all the same", "cmd/tidelock"},
	{"1.5 RespectIgnoreDifferences", "unless this is set", "agent/diff"},
	{"1.5 IgnoreExtraneous", "what is to be pruned makes nothing OutOfSync", "agent/diff agent/reconcile"},
	{"1.5 argocd-cm", "differences and kinds that do not count, for all Applications", "cmd/tidelock"},
	{"1.5 compare-options", "what has no effect here is said", "agent/reconcile"},

	{"1.6 CreateNamespace", "before the dry run, not tracked", "cmd/tidelock"},
	{"1.6 PruneLast", "a wave after all others", "agent/plan agent/reconcile"},
	{"1.6 PrunePropagationPolicy", "foreground, background, orphan", "agent/apply"},
	{"1.6 Prune=false", "PruneSkipped", "agent/reconcile"},
	{"1.6 Prune=confirm", "waits for an approval not older than the operation", "agent/plan agent/reconcile"},
	{"1.6 Prune annotation", "the live object's word wins", "agent/plan"},
	{"1.6 Delete=false", "outlives the Application", "agent/reconcile"},
	{"1.6 Delete=confirm", "waits for an approval not older than the deletion", "agent/reconcile"},
	{"1.6 Replace=true", "beats ServerSideApply", "agent/apply"},
	{"1.6 Replace=false", "of an object, against the Application's", "agent/apply"},
	{"1.6 Force=true", "on an object only", "agent/apply"},
	{"1.6 ServerSideApply", "an object's own word counts", "agent/apply"},
	{"1.6 ServerSideApply=false", "client-side, but never a Secret", "agent/apply"},
	{"1.6 ClientSideApplyMigration", "takes over what was applied before", "agent/apply"},
	{"1.6 FailOnSharedResource", "fails of another application's object", "cmd/tidelock"},
	{"1.6 Validate=false", "unknown fields are no error", "agent/apply"},
	{"1.6 SkipDryRunOnMissingResource", "a kind that is not served yet is tolerated", "agent/apply"},
	{"1.6 ApplyOutOfSyncOnly", "hooks and history as ever", "agent/reconcile"},
	{"1.6 resource-policy keep", "honoured in the cascade, and when pruning (DESIGN 4)", "agent/reconcile"},
	{"1.6 exact words", "CreateNamespace=True is no option", "agent/api agent/apply agent/plan agent/reconcile"},
	{"1.6 whitespace", "around commas is trimmed", "agent/apply"},

	{"1.7 operation revision", "in place of the source's", "agent/reconcile"},
	{"1.7 operation revisions", "in the order of the sources", "agent/reconcile"},
	{"1.7 operation source", "in place of the spec's", "agent/reconcile"},
	{"1.7 operation sources", "in place of the spec's", "agent/reconcile"},
	{"1.7 operation prune", "is the operation's own", "agent/reconcile"},
	{"1.7 operation resources", "nothing else is touched", "agent/plan agent/reconcile"},
	{"1.7 operation manifests", "are refused: only Git is synced", "agent/api"},
	{"1.7 syncStrategy force", "deletes and creates what cannot be changed", "agent/apply"},
	{"1.7 bare operation", "takes the spec's options (DESIGN 4)", "agent/reconcile"},
	{"1.7 status", "as Argo CD's clients read it", "cmd/tidelock"},
	{"1.7 sync.comparedTo", "source or sources, destination, ignoreDifferences", "agent/reconcile"},
	{"1.7 resources", "identity, status, health inline", "agent/reconcile"},
	{"1.7 resources.requiresPruning", "live, and not in Git", "agent/reconcile"},
	{"1.7 resources.requiresDeletionConfirmation", "Prune=confirm, Delete=confirm", "agent/reconcile"},
	{"1.7 resources.syncWave", "of Git, else of what is live", "agent/reconcile"},
	{"1.7 syncResult", "revisions and sources", "agent/reconcile"},
	{"1.7 syncResult.resources", "status, hookPhase and syncPhase of each", "agent/reconcile"},
	{"1.7 syncResult.resources.images", "what each runs", "agent/reconcile"},
	{"1.7 syncResult.managedNamespaceMetadata", "as it was", "agent/reconcile"},
	{"1.7 operationState.retryCount", "counts", "agent/reconcile"},
	{"1.7 history", "of whole, real, good syncs", "agent/reconcile"},
	{"1.7 history.id", "the last one's plus one", "agent/reconcile"},
	{"1.7 history fields", "times, source, who", "agent/reconcile"},
	{"1.7 summary.images", "of what runs Pods", "agent/reconcile"},
	{"1.7 summary.externalURLs", "links and hosts", "agent/reconcile"},
	{"1.7 summary.isAppOfApps", "states an Application", "agent/reconcile"},

	{"1.8 sourceRepos", "a star spans one segment; a denial wins", "agent/project"},
	{"1.8 destinations", "server or name, and namespace", "agent/project"},
	{"1.8 clusterResourceWhitelist.name", "is a glob", "agent/project"},
	{"1.8 clusterResourceBlacklist", "subtracts", "agent/project"},
	{"1.8 namespaceResourceBlacklist", "subtracts", "agent/project"},
	{"1.8 orphanedResources", "objects of no application, where a project asks", "cmd/tidelock"},
	{"1.8 sourceNamespaces", "globs or expressions", "agent/project"},
	{"1.8 destinationServiceAccounts", "the first match; none is an error", "agent/project"},
	{"1.8 signatureKeys", "who may sign", "cmd/tidelock"},
	{"1.8 violations", "nothing of that sync is applied", "cmd/tidelock"},

	{"2.1 task list", "prunes are live objects without a target", "agent/diff"},
	{"2.1 order", "phase, wave, kind, name", "agent/plan"},
	{"2.1 kind order", "custom resources last", "agent/plan"},
	{"2.1 bubbling", "a Namespace and a definition come first", "agent/plan"},
	{"2.1 wave", "an integer, else Helm's weight, else 0", "agent/api agent/plan"},
	{"2.1 step 1", "what cannot be compared or is not permitted fails the operation", "agent/reconcile"},
	{"2.1 step 2", "a dry run of all before anything (of the server: DESIGN 4)", "cmd/tidelock"},
	{"2.1 step 3", "how health ends a hook, or a wait", "agent/reconcile"},
	{"2.1 step 4", "a later wave waits", "cmd/tidelock"},
	{"2.1 step 5", "for what was pruned to be gone", "agent/reconcile"},
	{"2.1 step 6", "what has failed ends the operation", "agent/reconcile"},
	{"2.1 step 7", "prunes, then groups of kinds; one that fails stops no other", "agent/apply"},
	{"2.1 step 8", "2 s between waves, where a status does not tell what its controller has seen", "agent/reconcile"},
	{"2.1 last wave", "is not gated on health, but for hooks", "agent/reconcile"},
	{"2.1 CRDs", "are served before their instances", "agent/apply"},
	{"2.1 Prune not requested", "PruneSkipped", "agent/plan agent/reconcile"},
	{"2.1 selective sync", "no hooks, no history", "agent/reconcile"},
	{"2.1 syncStrategy.apply", "no hooks", "agent/reconcile"},
	{"2.1 dry run", "says what it would do", "agent/reconcile"},
	{"2.1 Terminate", "running hooks go, the operation has failed", "agent/reconcile cmd/tidelock"},
	{"2.1 state", "an operation is resumed from its status alone", "agent/plan agent/reconcile cmd/tidelock"},

	{"2.2 hook annotation", "a list; unknown words only make a hook of no phase", "agent/plan"},
	{"2.2 Skip", "alone takes an object out", "agent/plan"},
	{"2.2 Helm mapping", "only without a word of Argo CD's", "agent/api agent/plan"},
	{"2.2 not managed", "hooks count neither for sync nor for health", "cmd/tidelock"},
	{"2.2 hooks are shown", "in status.resources", "agent/reconcile"},
	{"2.2 hook names", "the same when an operation is resumed", "agent/plan"},
	{"2.2 finalizer", "stays until the outcome is stored", "agent/health agent/reconcile"},
	{"2.2 delete propagation", "as the prunes of the operation", "agent/reconcile"},
	{"2.2 delete policies", "of both annotations; BeforeHookCreation if none", "agent/plan agent/reconcile"},
	{"2.2 BeforeHookCreation", "the object of another run goes first", "agent/plan agent/reconcile"},
	{"2.2 HookSucceeded", "when the whole sync has succeeded", "agent/reconcile cmd/tidelock"},
	{"2.2 HookFailed", "when the sync fails, also of what succeeded", "agent/reconcile"},
	{"2.2 without BeforeHookCreation", "the object is patched", "agent/plan"},
	{"2.2 hook failure", "of PreSync: nothing is applied, SyncFail runs", "cmd/tidelock"},
	{"2.2 SyncFail", "its own failure only adds text", "agent/reconcile"},
	{"2.2 retry", "hooks run again", "agent/reconcile"},
	{"2.2 missing hook", "was deleted by hand: an error", "agent/reconcile"},
	{"2.2 PreDelete", "blocks until it is mended", "agent/reconcile cmd/tidelock"},
	{"2.2 PostDelete", "when all is gone", "agent/reconcile cmd/tidelock"},

	{"2.3 finalizer", "without one the objects stay", "cmd/tidelock"},
	{"2.3 background", "and foreground", "cmd/tidelock"},
	{"2.3 order", "wave after wave, each gone before the next", "cmd/tidelock"},
	{"2.3 the app itself", "is not deleted by its own cascade", "agent/reconcile"},
	{"2.3 not permitted", "stays", "cmd/tidelock"},
	{"2.3 namespace", "of CreateNamespace stays", "cmd/tidelock"},
	{"2.3 destination unknown", "the objects are abandoned", "cmd/tidelock"},
	{"2.3 project missing", "the deletion waits", "cmd/tidelock"},
	{"2.3 Delete=confirm", "and Prune=confirm hold all", "agent/reconcile cmd/tidelock"},

	{"2.4 tracking-id", "app:group/Kind:namespace/name", "agent/api"},
	{"2.4 instance name", "namespace_name outside the agent's", "agent/api agent/cluster"},
	{"2.4 cluster-scoped", "carry the destination's namespace", "agent/cluster"},
	{"2.4 self-reference", "an id of another object is nobody's", "agent/api"},
	{"2.4 API-group upgrades", "the object is adopted", "agent/cluster"},
	{"2.4 CRDs", "have no tracking id", "agent/cluster"},
	{"2.4 installationID", "another's are not ours", "agent/cluster cmd/tidelock"},
	{"2.4 owned by another", "is reported, and left alone (DESIGN D7)", "agent/diff cmd/tidelock"},

	{"2.5 schedule", "exactly five fields", "agent/window"},
	{"2.5 duration", "Go's", "agent/window"},
	{"2.5 timeZone", "one that is unknown blocks", "agent/window"},
	{"2.5 zones", "true at each instant (DESIGN 4)", "agent/window"},
	{"2.5 matching", "any of the lists", "agent/window"},
	{"2.5 andOperator", "all of the lists that are set", "agent/window"},
	{"2.5 algebra", "deny before allow; an inactive allow denies", "agent/window"},
	{"2.5 manualSync", "of all that forbid", "agent/window"},
	{"2.5 syncOverrun", "of all that forbid, if it began in time", "agent/window"},
	{"2.5 effect", "syncs wait, and say so", "cmd/tidelock"},
	{"2.5 invalid windows", "block everything", "cmd/tidelock"},

	{"2.6 order", "Healthy, Suspended, Progressing, Missing, Degraded, Unknown", "agent/health"},
	{"2.6 Missing", "only if all are", "agent/health"},
	{"2.6 no check", "does not count", "agent/health"},
	{"2.6 ignore-healthcheck", "does not count", "agent/reconcile"},
	{"2.6 the app itself", "does not count", "agent/reconcile"},
	{"2.6 child Applications", "that are Missing or Unknown do not count", "agent/reconcile"},
	{"2.6 deletionTimestamp", "is Progressing", "agent/health"},
	{"2.6 Deployment", "", "agent/health"}, {"2.6 StatefulSet", "", "agent/health"}, {"2.6 DaemonSet", "", "agent/health"},
	{"2.6 ReplicaSet", "", "agent/health"}, {"2.6 Pod", "", "agent/health"}, {"2.6 Job", "", "agent/health"}, {"2.6 CronJob", "", "agent/health"},
	{"2.6 PVC", "", "agent/health"}, {"2.6 Service", "", "agent/health"}, {"2.6 Ingress", "", "agent/health"}, {"2.6 HPA", "", "agent/health"},
	{"2.6 APIService", "", "agent/health"}, {"2.6 Argo Workflow", "", "agent/health"}, {"2.6 SealedSecret", "", "agent/health"},
	{"2.6 ExternalSecret", "", "agent/health"}, {"2.6 Application", "its own health (DESIGN 4)", "agent/health"},
	{"2.6 custom health", "a script of argocd-cm judges before the built-in checks", "cmd/tidelock"},

	{"2.7 refresh", "normal and hard", "cmd/tidelock"},
	{"2.8 repository", "credentials of its own first", "agent/keyring"},
	{"2.8 repo-creds", "else of the longest prefix", "agent/keyring"},

	{"2.15 fact 1", "a self-heal runs no hooks and leaves no history", "agent/reconcile"},
	{"2.15 fact 2", "the first wait is the duration (DESIGN 4)", "agent/reconcile"},
	{"2.15 fact 3", "a retry keeps its revision", "agent/reconcile"},
	{"2.15 fact 4", "automatic syncs are retried five times", "agent/api agent/reconcile"},
	{"2.15 fact 5", "a failed revision rests; here it is tried anew later (DESIGN D9)", "agent/reconcile"},
	{"2.15 fact 6", "the last wave is not gated", "agent/reconcile"},
	{"2.15 fact 7", "Suspended is settled (DESIGN 4)", "agent/reconcile"},
	{"2.15 fact 8", "Degraded fails a wave at once", "agent/reconcile"},
	{"2.15 fact 9", "HookSucceeded acts at the end of the sync", "agent/reconcile"},
	{"2.15 fact 10", "Helm's install and upgrade hooks are told apart (DESIGN 4)", "agent/plan"},
	{"2.15 fact 11", "bubbling overrides wave and phase", "agent/plan"},
	{"2.15 fact 12", "the pre-flight is a server dry run (DESIGN 4)", "cmd/tidelock"},
	{"2.15 fact 13", "Force=true is no option of an Application", "agent/apply"},
	{"2.15 fact 14", "a bare operation takes the spec's options (DESIGN 4)", "agent/reconcile"},
	{"2.15 fact 15", "prune waves are mirrored, PruneLast is max+1", "agent/plan"},
	{"2.15 fact 16", "foreground is the default", "agent/apply"},
	{"2.15 fact 17", "definitions are never deleted in cascade", "agent/reconcile"},
	{"2.15 fact 18", "a missing object does not make the Application Missing", "agent/health"},
	{"2.15 fact 19", "a child Application's health counts (DESIGN 4)", "agent/reconcile"},
	{"2.15 fact 20", "a copied tracking id is nobody's", "agent/api agent/cluster"},
	{"2.15 fact 21", "empty and absent whitelists", "agent/project"},
	{"2.15 fact 22", "a lone denial permits the rest; keep is honoured when pruning (DESIGN 4)", "agent/project agent/plan"},
	{"2.15 fact 23", "clusters match as they are written", "agent/window"},
	{"2.15 fact 24", "manualSync on an active deny bypasses allows", "agent/window"},
	{"2.15 fact 25", "a pending retry is Running with finishedAt", "agent/reconcile"},
}

// TestFactsHaveCases looks for every fact in the tests of its rooms, followed by a
// colon (or, where one case holds two facts, a comma).
func TestFactsHaveCases(t *testing.T) {
	seen, tests := map[string]bool{}, map[string]string{}
	for _, f := range facts {
		if seen[f.number] {
			t.Errorf("%s is listed twice", f.number)
		}
		seen[f.number] = true
		for room := range strings.FieldsSeq(f.rooms) {
			if tests[room] == "" {
				tests[room] = testsIn(t, room)
			}
			text := tests[room]
			if !strings.Contains(text, f.number+":") && !strings.Contains(text, f.number+",") {
				t.Errorf("%s (%s): no case of %s names it", f.number, f.text, room)
			}
		}
	}
	for i := range 25 {
		if number := fmt.Sprintf("2.15 fact %d", i+1); !seen[number] {
			t.Errorf("%s is not listed", number)
		}
	}
}

// testsIn is the text of all tests of a room: Go, stories and tables.
func testsIn(t *testing.T, room string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(filepath.Join("..", room), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !isTest(path) {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func isTest(path string) bool {
	return strings.HasSuffix(path, "_test.go") || slices.Contains([]string{".txtar", ".txt"}, filepath.Ext(path))
}

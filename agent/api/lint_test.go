package api

import (
	"strings"
	"testing"
)

func TestLintApplication(t *testing.T) {
	for _, tt := range []struct{ name, app, want string }{
		{"nothing", "spec: {destination: {}, project: a}", ""},
		{"options", "spec: {destination: {}, project: a, syncPolicy: {syncOptions: [CreateNamespace=True, Prune=false, ServerSideAply=true, Force=true, Colour=blue]}}",
			`spec.syncPolicy.syncOptions[0]: "CreateNamespace=True" is not a sync option and has no effect; did you mean "CreateNamespace=true"?
spec.syncPolicy.syncOptions[2]: "ServerSideAply=true" is not a sync option and has no effect; did you mean "ServerSideApply=true"?
spec.syncPolicy.syncOptions[4]: "Colour=blue" is not a sync option and has no effect
spec.syncPolicy.syncOptions[3]: Force=true works in an object's annotation only`},
		{"ignored sources", "spec: {destination: {}, project: a, source: {repoURL: r}, sources: [{repoURL: r, ref: v, chart: c, helm: {values: a, valuesObject: {}}}]}",
			`spec.source: ignored, since sources is set
spec.sources[0].ref: a chart cannot serve files to other sources
spec.sources[0].helm.values: ignored, since valuesObject is set`},
		{"differences", "spec: {destination: {}, project: a, ignoreDifferences: [{kind: Secret}, {kind: Secret, jsonPointers: [data]}]}",
			`spec.ignoreDifferences[0]: names no fields, and ignores nothing
spec.ignoreDifferences[1].jsonPointers[0]: "data" does not begin with a slash, and matches nothing`},
		{"policy", "spec: {destination: {}, project: a, syncPolicy: {managedNamespaceMetadata: {}, retry: {backoff: {factor: 0}}}}",
			`spec.syncPolicy.managedNamespaceMetadata: has no effect without CreateNamespace=true
spec.syncPolicy.retry.backoff.factor: below 1: from the second retry on there is no wait`},
		{"approval", "metadata: {annotations: {argocd.argoproj.io/deletion-approved: yes}}\nspec: {destination: {}, project: a}",
			`metadata.annotations[argocd.argoproj.io/deletion-approved]: "yes" is not an RFC 3339 time, and approves nothing`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, strings.Join(LintApplication(decode[Application](t, strings.ReplaceAll(tt.app, ": yes", `: "yes"`))), "\n"), tt.want)
		})
	}
}

func TestLintProject(t *testing.T) {
	project := decode[AppProject](t, "spec: {syncWindows: [{timeZone: Europe/Berlin}, {timeZone: Moon/Tycho}, {}]}")
	check(t, strings.Join(LintProject(project), "\n"), `spec.syncWindows[1].timeZone: unknown time zone "Moon/Tycho": nothing is synced until it is corrected (Argo CD reads it as UTC)`)
}

func TestLintSyncOptions(t *testing.T) {
	const at = "metadata.annotations[argocd.argoproj.io/sync-options]"
	for _, tt := range []struct{ annotation, want string }{
		{"", ""},
		{"Prune=false, Force=true", ""},
		{"Prune=False", at + `[0]: "Prune=False" is not a sync option and has no effect; did you mean "Prune=false"?`},
		{"prunelast", at + `[0]: "prunelast" is not a sync option and has no effect; did you mean "PruneLast=true"?`},
		{"Delete = confirm", at + `[0]: "Delete = confirm" is not a sync option and has no effect; did you mean "Delete=confirm"?`},
		{"Prune=false,,Nonsense", at + `[1]: "Nonsense" is not a sync option and has no effect`},
		{strings.Repeat("x", 100000), at + `[0]: "` + strings.Repeat("x", 80) + `…" is not a sync option and has no effect`},
	} {
		check(t, strings.Join(LintSyncOptions(tt.annotation), "\n"), tt.want)
	}
}

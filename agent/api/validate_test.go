package api

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// decode reads YAML into a T, and fails on a field that T does not have.
func decode[T any](t *testing.T, text string) *T {
	t.Helper()
	v := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), v); err != nil {
		t.Fatal(err)
	}
	return v
}

// lines is one error a line.
func lines(errs field.ErrorList) string {
	var text []string
	for _, err := range errs {
		text = append(text, err.Error())
	}
	return strings.Join(text, "\n")
}

func check(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestValidateApplication(t *testing.T) {
	const ok = "destination: {name: in-cluster}\n"
	for _, tt := range []struct{ name, spec, want string }{
		{"fine", ok + "source: {repoURL: r, path: .}", ""},
		{"nothing", "{}", "spec.destination: Required value: server or name is needed\n" +
			"spec.source: Required value: one of source, sources and sourceHydrator is needed"},
		{"two destinations", "destination: {name: a, server: b}\nsource: {repoURL: r, path: .}",
			"spec.destination: Invalid value: both server and name are set"},
		{"no repository, no path", ok + "source: {}", "spec.source.repoURL: Required value\n" +
			"spec.source: Required value: path or chart is needed"},
		{"a ref alone is no source", ok + "source: {repoURL: r, ref: v}", "spec.source: Required value: path or chart is needed"},
		{"chart without version", ok + "source: {repoURL: r, chart: c}", "spec.source.targetRevision: Required value: a chart needs a version"},
		{"two renderers", ok + "source: {repoURL: r, path: ., helm: {}, kustomize: {}}",
			"spec.source: Invalid value: more than one of helm, kustomize, directory, plugin is set: [Helm Kustomize]; the annotation tidelock.io/post-render: kustomize has Kustomize build what Helm renders"},
		{"absolute path", ok + "source: {repoURL: r, path: /etc}",
			`spec.source.path: Invalid value: "/etc": must be relative to the repository's root`},
		{"path to outside", ok + "source: {repoURL: r, path: a/../../b}",
			`spec.source.path: Invalid value: "a/../../b": leads out of the repository`},
		{"path with dots", ok + "source: {repoURL: r, path: a/../b..}", ""},
		{"replica count", ok + "source: {repoURL: r, path: ., kustomize: {replicas: [{name: a, count: many}]}}",
			`spec.source.kustomize.replicas[0].count: Invalid value: "many": must be a whole number`},
		{"sources hide source", ok + "source: {}\nsources: [{repoURL: r, path: .}]", ""},
		{"source of several", ok + "sources: [{repoURL: r}, {path: .}]", "spec.sources[0]: Required value: path, chart or ref is needed\n" +
			"spec.sources[1].repoURL: Required value"},
		{"refs", ok + "sources: [{repoURL: r, ref: a.b}, {repoURL: r, ref: c, name: web}, {repoURL: r, ref: c, name: web}]",
			`spec.sources[0].ref: Invalid value: "a.b": only letters, digits, _ and - are allowed` + "\n" +
				`spec.sources[2].ref: Duplicate value: "c"` + "\n" + `spec.sources[2].name: Duplicate value: "web"`},
		{"ref of a chart, not used", ok + `sources: [{repoURL: r, chart: c, targetRevision: "1", ref: v}]`, ""},
		{"ref of a chart, used", ok + `sources: [{repoURL: r, chart: c, targetRevision: "1", ref: v}, {repoURL: r, path: ., helm: {valueFiles: [v.yaml, $v/v.yaml]}}]`,
			`spec.sources[1].helm.valueFiles[1]: Invalid value: "$v/v.yaml": the source with ref "v" is a chart, which cannot serve files`},
		{"unknown ref", ok + "sources: [{repoURL: r, path: ., helm: {fileParameters: [{name: a, path: $v/a}]}}]",
			`spec.sources[0].helm.fileParameters[0].path: Invalid value: "$v/a": no source has ref "v"`},
		{"hydrator", ok + "sourceHydrator: {drySource: {repoURL: '', targetRevision: '', path: ''}, syncSource: {targetBranch: '', path: .}, hydrateTo: {targetBranch: ''}}",
			"spec.sourceHydrator.drySource.repoURL: Required value\n" +
				"spec.sourceHydrator.syncSource.targetBranch: Required value\n" +
				`spec.sourceHydrator.syncSource.path: Invalid value: ".": must not be the repository's root` + "\n" +
				"spec.sourceHydrator.hydrateTo.targetBranch: Required value"},
		{"durations", ok + "source: {repoURL: r, path: .}\nsyncPolicy: {retry: {backoff: {duration: soon, maxDuration: 1d}}}",
			`spec.syncPolicy.retry.backoff.duration: Invalid value: duration "soon" is neither seconds nor like 1m30s` + "\n" +
				`spec.syncPolicy.retry.backoff.maxDuration: Invalid value: duration "1d" is neither seconds nor like 1m30s`},
		{"history", ok + "source: {repoURL: r, path: .}\nrevisionHistoryLimit: -1",
			"spec.revisionHistoryLimit: Invalid value: -1: must be 0 or more"},
		{"ignored kind", ok + "source: {repoURL: r, path: .}\nignoreDifferences: [{group: apps}]",
			"spec.ignoreDifferences[0].kind: Required value: use * for any kind"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := &Application{Spec: *decode[ApplicationSpec](t, tt.spec)}
			check(t, lines(ValidateApplication(app)), tt.want)
		})
	}
}

func TestValidateOwnAnnotations(t *testing.T) {
	app := decode[Application](t, `
metadata: {annotations: {tidelock.io/sealed-secrets: yes please, tidelock.io/external-secrets: apply, tidelock.io/wait: "1"}}
spec: {destination: {name: in-cluster}, source: {repoURL: r, path: .}}`)
	check(t, lines(ValidateApplication(app)),
		`metadata.annotations[tidelock.io/sealed-secrets]: Unsupported value: "yes please": supported values: "resolve", "apply"`+"\n"+
			`metadata.annotations[tidelock.io/wait]: Unsupported value: "1": supported values: "true", "false"`)
}

// An address may hold a password, and errors are shown to everyone.
func TestErrorsHideURLs(t *testing.T) {
	app := decode[Application](t, `
spec:
  destination: {name: a, server: "https://user:hunter2@example.com"}
  sources:
    - {repoURL: "https://user:hunter2@example.com", path: /, ref: "!", helm: {}, plugin: {}}
    - {repoURL: "https://user:hunter2@example.com"}`)
	if got := lines(ValidateApplication(app)); strings.Contains(got, "hunter2") || got == "" {
		t.Error(got)
	}
	project := decode[AppProject](t, `spec: {sourceRepos: ["https://user:hunter2@example.com", "https://user:hunter2@example.com"]}`)
	if got := lines(ValidateProject(project)); strings.Contains(got, "hunter2") || got == "" {
		t.Error(got)
	}
}

func TestValidateOperation(t *testing.T) {
	for _, tt := range []struct{ name, operation, want string }{
		{"fine", "sync: {revision: main}", ""},
		{"nothing", "{}", "operation.sync: Required value: a sync is the only operation"},
		{"back-off", "{retry: {backoff: {duration: x}}, sync: {}}", `operation.retry.backoff.duration: Invalid value: duration "x" is neither seconds nor like 1m30s`},
		{"1.7 operation manifests: are refused, not ignored", "sync: {manifests: [a]}", "operation.sync.manifests: Forbidden: only what Git holds is synced: commit the manifests, or see what they would do with tidelock diff"},
		{"revisions", "sync: {revisions: [a], sources: [{repoURL: r}, {repoURL: s}]}", "operation.sync.revisions: Invalid value: 1 revisions for 2 sources"},
		{"resources", "sync: {resources: [{kind: '', name: ''}]}", "operation.sync.resources[0].kind: Required value\noperation.sync.resources[0].name: Required value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, lines(ValidateOperation(decode[Operation](t, tt.operation))), tt.want)
		})
	}
}

func TestValidateProject(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"empty", "{}", ""},
		{"destinations", `destinations: [{server: "!*", namespace: a}, {name: b, namespace: "!*"}, {name: b, namespace: "!*"}]`,
			`spec.destinations[0].server: Invalid value: "!*": denies everything` + "\n" +
				`spec.destinations[1].namespace: Invalid value: "!*": denies everything` + "\n" +
				`spec.destinations[2].namespace: Invalid value: "!*": denies everything` + "\n" +
				`spec.destinations[2]: Duplicate value: {"namespace":"!*","name":"b"}`},
		{"repositories", `sourceRepos: ["!*", a, a]`, `spec.sourceRepos[0]: Invalid value: "!*": denies everything` + "\n" + "spec.sourceRepos[2]: Duplicate value"},
		{"roles", "roles: [{name: -a}, {name: b}, {name: b}]",
			`spec.roles[0].name: Invalid value: "-a": only letters, digits, _ and - are allowed, with a letter or digit at both ends` + "\n" +
				`spec.roles[2].name: Duplicate value: "b"`},
		{"description", "description: " + strings.Repeat("é", 256), "spec.description: Invalid value: longer than 255 characters"},
		{"description of many bytes", "description: " + strings.Repeat("é", 255), ""},
		{"account", `destinationServiceAccounts: [{server: "!a", namespace: "!b", defaultServiceAccount: "a/b"}]`,
			`spec.destinationServiceAccounts[0].server: Invalid value: "!a": cannot deny` + "\n" +
				`spec.destinationServiceAccounts[0].namespace: Invalid value: "!b": cannot deny` + "\n" +
				`spec.destinationServiceAccounts[0].defaultServiceAccount: Invalid value: "a/b": must be name or namespace:name`},
		{"integrity", `sourceIntegrity: {git: {policies: [{repos: [], gpg: {mode: all, keys: []}}]}}`,
			`spec.sourceIntegrity.git.policies[0].gpg.mode: Unsupported value: "all": supported values: "none", "head", "strict"`},
		{"window", `syncWindows: [{kind: maybe, schedule: "@daily", duration: "60"}]`,
			`spec.syncWindows[0].kind: Unsupported value: "maybe": supported values: "allow", "deny"` + "\n" +
				`spec.syncWindows[0].schedule: Invalid value: "@daily": has 1 fields; a schedule has five: minute, hour, day, month, weekday` + "\n" +
				`spec.syncWindows[0].duration: Invalid value: "60": must be a duration like 1h30m` + "\n" +
				"spec.syncWindows[0]: Required value: applications, namespaces or clusters is needed, or the window matches nothing"},
		{"window with seconds", `syncWindows: [{kind: deny, schedule: "0 0 0 * * *", duration: 1h, clusters: [a]}]`,
			`spec.syncWindows[0].schedule: Invalid value: "0 0 0 * * *": has 6 fields; a schedule has five: minute, hour, day, month, weekday`},
		{"window with zone", `syncWindows: [{kind: deny, schedule: "TZ=UTC 0 0 * * *", duration: 1h, clusters: [a]}]`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			project := &AppProject{Spec: *decode[AppProjectSpec](t, tt.spec)}
			check(t, lines(ValidateProject(project)), tt.want)
		})
	}
}

func TestValidateApplicationSet(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"fine", "generators: [{list: {}}]", ""},
		{"two at the top are two generators", "generators: [{list: {}, clusters: {}}]", ""},
		{"none set", "generators: [{selector: {}}]", "spec.generators[0]: Required value: no generator is set"},
		{"git", "generators: [{git: {repoURL: '', revision: ''}}]", "spec.generators[0].git.repoURL: Required value\n" +
			"spec.generators[0].git: Required value: directories or files is needed"},
		{"providers", "generators: [{scmProvider: {}}, {pullRequest: {github: {owner: a, repo: b}, gitlab: {project: c}}}]",
			"spec.generators[0].scmProvider: Invalid value: exactly one provider is needed\n" +
				"spec.generators[1].pullRequest: Invalid value: exactly one provider is needed"},
		{"matrix", "generators: [{matrix: {generators: [{list: {}, clusters: {}}]}}]",
			"spec.generators[0].matrix.generators: Invalid value: has 1 generators; a matrix has two\n" +
				"spec.generators[0].matrix.generators[0]: Invalid value: more than one generator is set: [list clusters]"},
		{"merge", "generators: [{merge: {generators: [], mergeKeys: []}}]",
			"spec.generators[0].merge.generators: Invalid value: has 0 generators; a merge has two or more\n" +
				"spec.generators[0].merge.mergeKeys: Required value: one key or more is needed"},
		{"child of a wrong shape", "generators: [{matrix: {generators: [{list: 3}, {clusters: {}}]}}]",
			"spec.generators[0].matrix.generators[0]: Invalid value: decode nested generator: json: cannot unmarshal number into Go struct field Generator.list of type api.ListGenerator"},
		{"too deep", "generators: [{matrix: {generators: [{clusters: {}}, {matrix: {generators: [{clusters: {}}, {matrix: {generators: []}}]}}]}}]",
			"spec.generators[0].matrix.generators[1].matrix.generators[1]: Forbidden: matrix and merge can be nested once only"},
		{"strategy", "generators: [{list: {}}]\nstrategy: {type: Slow, deletionOrder: Random, rollingSync: {steps: [{matchExpressions: [{operator: Exists}]}]}}",
			`spec.strategy.type: Unsupported value: "Slow": supported values: "AllAtOnce", "RollingSync"` + "\n" +
				`spec.strategy.deletionOrder: Unsupported value: "Random": supported values: "AllAtOnce", "Reverse"` + "\n" +
				`spec.strategy.rollingSync.steps[0].matchExpressions[0].operator: Unsupported value: "Exists": supported values: "In", "NotIn"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := &ApplicationSet{Spec: *decode[ApplicationSetSpec](t, tt.spec)}
			check(t, lines(ValidateApplicationSet(set)), tt.want)
		})
	}
}

// A chain lets one source have the blocks of Helm and Kustomize, and no others.
func TestValidateChained(t *testing.T) {
	app := func(value, blocks string) *Application {
		return decode[Application](t, "metadata: {name: a, annotations: {tidelock.io/post-render: "+value+"}}\n"+
			"spec: {project: p, destination: {server: s}, sources: [{repoURL: r, path: ., "+blocks+"}]}")
	}
	if errs := ValidateApplication(app("kustomize", "helm: {}, kustomize: {}")); len(errs) > 0 {
		t.Error(errs)
	}
	for _, tt := range []struct{ value, blocks, want string }{
		{"kustomize", "helm: {}, kustomize: {}, directory: {}", "spec.sources[0]: Invalid value: more than one of helm, kustomize, directory, plugin is set: [Helm Kustomize Directory]"},
		{"jsonnet", "helm: {}", `metadata.annotations[tidelock.io/post-render]: Unsupported value: "jsonnet": supported values: "kustomize"`},
	} {
		check(t, ValidateApplication(app(tt.value, tt.blocks)).ToAggregate().Error(), tt.want)
	}
}

package migrate

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// facts are those of an Argo CD that works alone, with changes.
func facts(t *testing.T, apps string, change func(*Facts)) Facts {
	t.Helper()
	f := Facts{
		Namespace: "argocd", Definitions: true,
		Workloads: []Workload{
			{Kind: "StatefulSet", Namespace: "argocd", Name: controller, Part: controller, Replicas: 2, Containers: []Container{{Name: controller, Image: "quay.io:443/argoproj/argocd:v3.5.7@sha256:1"}}},
			{Kind: "Deployment", Namespace: "argocd", Name: "argo-appsets", Part: setController, Replicas: 1},
			{Kind: "Deployment", Namespace: "argocd", Name: repoServer, Part: repoServer, Replicas: 1, Containers: []Container{{Name: repoServer}, {Name: "cmp"}}},
		},
		Config:   map[string]string{"application.resourceTrackingMethod": "annotation+label", "dex.config": "x", "url": "y", "timeout.reconciliation": "often", "kustomize.buildOptions": "--enable-helm"},
		Params:   map[string]string{"controller.status.processors": "50", "server.insecure": "true", "applicationsetcontroller.policy": "create-only"},
		Followed: []string{"applicationsetcontroller.policy"},
	}
	var list api.ApplicationList
	if err := yaml.Unmarshal([]byte("items:\n"+apps), &list); err != nil {
		t.Fatal(err)
	}
	f.Applications = list.Items
	if change != nil {
		change(&f)
	}
	return f
}

const shop = `
- metadata: {name: shop, namespace: argocd}
  spec: {project: default, source: {repoURL: https://git.example.com/shop.git, path: web}, destination: {server: https://kubernetes.default.svc, namespace: shop}, syncPolicy: {automated: {}}}
  status: {sync: {status: OutOfSync}, operationState: {phase: Running, startedAt: "2026-11-26T12:00:00Z", operation: {sync: {}}}}
- metadata: {name: bad, namespace: team}
  spec: {project: default, source: {repoURL: https://git.example.com/shop.git, path: web, helm: {}, kustomize: {}}, destination: {server: https://kubernetes.default.svc, namespace: shop}}
`

func agentOf(replicas int32, args ...string) Workload {
	return Workload{Kind: "Deployment", Namespace: "argocd", Name: tidelock, Part: tidelock, Replicas: replicas, Containers: []Container{{Args: append([]string{"agent"}, args...)}}}
}

// text prints a plan: what there is, what is wrong, and each step's mark and commands.
func text(p Plan) string {
	var b strings.Builder
	b.WriteString(strings.Join(p.Here, "\n") + "\n")
	if p.Conflict != "" {
		b.WriteString("CONFLICT " + p.Conflict + "\n")
	}
	for _, f := range p.Findings {
		b.WriteString(string(f.Weight) + " " + f.About + ": " + f.Text + "\n")
	}
	for _, s := range p.Steps {
		mark := "[ ] "
		if s.Done {
			mark = "[x] "
		}
		b.WriteString(mark + s.Title + "\n")
		if s.Wait != "" {
			b.WriteString("wait: " + s.Wait + "\n")
		}
		for _, c := range s.Commands {
			b.WriteString("$ " + c + "\n")
		}
	}
	return b.String()
}

func TestOf(t *testing.T) {
	for _, tt := range []struct {
		name     string
		change   func(*Facts)
		has, not []string
	}{
		{"Argo CD alone", nil, []string{
			"Argo CD v3.5.7 in namespace argocd\n", "StatefulSet argocd-application-controller, 2 replicas\n",
			"objects are tracked by annotation, and label app.kubernetes.io/instance\n",
			"2 Applications, 1 of them synced automatically, 0 ApplicationSets", "Applications are in other namespaces, too: team\n", "no Tidelock in namespace argocd\n",
			"Loss users: ", "Problem ConfigMap argocd-cm: timeout.reconciliation: ", "Problem ConfigMap argocd-cm: kustomize.buildOptions",
			"Note ConfigMap argocd-cmd-params-cm: these have no effect: controller.status.processors\n", "Problem sidecar cmp of argocd-repo-server: ",
			"Problem Application team/bad: ",
			"[x] The definitions", "[ ] Look on\n$ tidelock install --no-crds --shadow --namespace argocd | kubectl apply --server-side -f -\n",
			"[ ] Stop Argo CD's controllers\nwait: operations end first: argocd/shop\n$ kubectl -n argocd scale statefulset argocd-application-controller --replicas=0\n$ kubectl -n argocd scale deployment argo-appsets --replicas=0\n",
			"[ ] Start Tidelock in Argo CD's place\nwait: Argo CD's controllers are stopped first (step 4): two that write undo each other's work\n$ tidelock install --no-crds --no-namespace --namespace argocd | kubectl apply --server-side -f -\n",
			"[ ] The way back", "scale statefulset argocd-application-controller --replicas=2\n", "[ ] Remove what is left",
		}, []string{"CONFLICT", "Flux", "url is not acted on"}},
		{"it looks on", func(f *Facts) { f.Workloads = append(f.Workloads, agentOf(1, "--shadow")) }, []string{"Tidelock looks on, and writes nothing\n", "[x] Look on"}, []string{"CONFLICT", "[x] Start"}},
		{"both write", func(f *Facts) { f.Workloads = append(f.Workloads, agentOf(1)) },
			[]string{"CONFLICT Tidelock and argocd-application-controller and argocd-applicationset-controller both write", "[x] Start"}, nil},
		{"stopped", func(f *Facts) {
			f.Workloads = append(f.Workloads, agentOf(0))
			f.Workloads[0].Replicas, f.Workloads[1].Replicas = 0, 0
		}, []string{"Tidelock is installed, and stopped\n", "[x] Stop Argo CD's controllers", "[ ] Start", "scale statefulset argocd-application-controller --replicas=1\n"}, []string{"CONFLICT"}},
		{"handed over", func(f *Facts) {
			f.Workloads = []Workload{agentOf(2)}
			f.Adopted = 2
		}, []string{"no Argo CD in namespace argocd", "it has written the status of 2 Applications\n", "[x] Stop", "[x] Start", "[x] The first sync", "[x] Remove"}, []string{"CONFLICT", "wait: Argo CD's"}},
		{"nothing at all", func(f *Facts) { *f = Facts{Namespace: "argocd"} },
			[]string{"[ ] The definitions of Application, AppProject and ApplicationSet are there\n$ tidelock install --crds-only"}, []string{"[x] The first sync", "CONFLICT"}},
		{"impersonation", func(f *Facts) { f.Config["application.sync.impersonation.enabled"] = "true" }, []string{"--no-namespace --impersonate --namespace argocd"}, nil},
		{"something to prune", func(f *Facts) {
			f.Applications[0].Status.Resources = []api.ResourceStatus{{Kind: "ConfigMap", Namespace: "shop", Name: "old", RequiresPruning: true}, {Kind: "Secret", Namespace: "shop", Name: "kept"}}
		}, []string{"Problem Application argocd/shop: Argo CD would prune what Git does not state any more, which nobody does once it has stopped: sync with pruning before step 4, or delete it yourself: ConfigMap shop/old\n"}, nil},
		{"something to prune, by us", func(f *Facts) {
			f.Workloads = []Workload{agentOf(1)}
			f.Applications[0].Status.Resources = []api.ResourceStatus{{Kind: "ConfigMap", Namespace: "shop", Name: "old", RequiresPruning: true}}
		}, nil, []string{"shop/old"}},
		{"labels", func(f *Facts) {
			f.Config = map[string]string{"application.resourceTrackingMethod": "label", "application.instanceLabelKey": "argocd.argoproj.io/instance"}
		}, []string{"objects are tracked by label argocd.argoproj.io/instance\n"}, nil},
		{"a rolling sync that is none", func(f *Facts) { f.Sets = rolling }, []string{"Problem ApplicationSet argocd/waves: its RollingSync has no effect in Argo CD, where progressive syncs are not enabled, and has with Tidelock"}, nil},
		{"one that is none here either", func(f *Facts) {
			f.Sets, f.Params = rolling, map[string]string{"applicationsetcontroller.enable.progressive.syncs": "false"}
		}, []string{"Note ApplicationSet argocd/waves: its RollingSync has no effect, in Argo CD as in Tidelock"}, []string{"and has with Tidelock"}},
		{"one that is one", func(f *Facts) {
			f.Sets, f.Params = rolling, map[string]string{"applicationsetcontroller.enable.progressive.syncs": "true"}
		}, nil, []string{"its RollingSync"}},
		{"one that is one by an argument", func(f *Facts) {
			f.Sets, f.Workloads[1].Containers = rolling, []Container{{Name: "x", Args: []string{"--enable-progressive-syncs"}}}
		}, nil, []string{"its RollingSync"}},
		{"sets that are tried out", func(f *Facts) { f.Params["applicationsetcontroller.dryrun"] = "true" }, []string{"nothing is done with the Applications of ApplicationSets, which are tried out only"}, nil},
		{"entries without effect", func(f *Facts) {
			f.Params = map[string]string{"applicationsetcontroller.debug": "true"}
			f.Idle = func(key string) string { return key + " (for a reason)" }
		}, []string{"these have no effect: applicationsetcontroller.debug (for a reason)"}, nil},
		{"what may not be read", func(f *Facts) { f.Unread = []string{"list Deployments: forbidden"} }, []string{"Problem this report: it is incomplete: list Deployments: forbidden"}, nil},
		{"Flux", func(f *Facts) {
			f.Flux = []FluxObject{{"Kustomization", "flux-system", "apps", false}, {"HelmRelease", "db", "pg", true}}
		}, []string{"Flux deploys here, too: 2 objects\n", "[ ] Flux", "$ kubectl -n flux-system patch kustomizations.kustomize.toolkit.fluxcd.io apps --type=merge -p '{\"spec\":{\"suspend\":true}}'\n"}, []string{"patch helmreleases"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := text(Of(facts(t, shop, tt.change)))
			for _, part := range tt.has {
				if !strings.Contains(got, part) {
					t.Errorf("it lacks %q", part)
				}
			}
			for _, part := range tt.not {
				if strings.Contains(got, part) {
					t.Errorf("it has %q", part)
				}
			}
			if t.Failed() {
				t.Log(got)
			}
		})
	}
}

func TestNext(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Facts)
		want   string
	}{
		"at first":     {nil, "Look on"},
		"looked on":    {func(f *Facts) { f.Workloads = append(f.Workloads, agentOf(1, "--shadow=true")) }, "Read the report"},
		"no kinds yet": {func(f *Facts) { *f = Facts{} }, "The definitions"},
	} {
		p := Of(facts(t, shop, tt.change))
		if got := p.Steps[p.Next()].Title; !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// rolling is a set that says that it is a rolling sync.
var rolling = []api.ApplicationSet{{
	ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "waves"},
	Spec:       api.ApplicationSetSpec{Strategy: &api.ApplicationSetStrategy{Type: api.StrategyRollingSync, RollingSync: &api.RollingSync{}}},
}}

package metrics

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/traffic"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

const inCluster = "https://kubernetes.default.svc"

func application(name string) *api.Application {
	app := &api.Application{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: name, Labels: map[string]string{"team/owner": "web"}}}
	app.Spec.Source = &api.Source{RepoURL: "https://jane:hunter2@git.example/shop.git"}
	app.Spec.Destination = api.Destination{Name: "in-cluster", Namespace: "shop"}
	app.Spec.SyncPolicy = &api.SyncPolicy{Automated: &api.Automated{}}
	app.Status.Sync.Status = api.SyncCodeSynced
	app.Status.Resources = []api.ResourceStatus{
		{Kind: "Deployment", Status: api.SyncCodeOutOfSync}, {Kind: "Service", Status: api.SyncCodeSynced}, {Kind: "Secret", Status: api.SyncCodeOutOfSync},
	}
	app.Status.Conditions = []api.Condition{{Type: api.ConditionSyncError}, {Type: api.ConditionSyncError}, {Type: api.ConditionComparisonError}}
	return app
}

func set() *api.ApplicationSet {
	s := &api.ApplicationSet{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "fleet", Labels: map[string]string{"tier": "1"}}}
	s.Status.ApplicationStatus = []api.RollingSyncStatus{{Step: "1", Status: "Healthy"}, {Step: "1", Status: "Healthy"}, {Step: "2", Status: "Waiting"}}
	s.Status.ResourcesCount = 3
	s.Status.Conditions = []api.ApplicationSetCondition{{Type: api.ApplicationSetResourcesUpToDate, Reason: "ApplicationSetUpToDate"}}
	return s
}

// all are metrics of which everything has happened once.
func all(t testing.TB, apps ...*api.Application) *Metrics {
	t.Helper()
	m := New(Sources{
		Version:         "v1.2.3",
		Applications:    func() []*api.Application { return apps },
		ApplicationSets: func() []*api.ApplicationSet { return []*api.ApplicationSet{set()} },
		Orphans:         func(*api.Application) (int, bool) { return 4, true },
		Clusters: func() []Cluster {
			return []Cluster{{
				Server: inCluster, Name: "in-cluster", Labels: map[string]string{"region": "eu"}, Version: "1.37.2", Connected: true, Kinds: 12, Objects: 345, Listed: time.Now().Add(-time.Hour),
				Events:     map[schema.GroupKind]int64{{Group: "apps", Kind: "Deployment"}: 7},
				Processing: Processing{Within: map[float64]uint64{0.25: 6, 0.5: 7}, Count: 7, Sum: 1, Batch: 345},
			}}
		},
		Pending:  func() int { return 2 },
		Telling:  Telling{ApplicationLabels: []string{"team/owner"}, SetLabels: []string{"tier"}, ClusterLabels: []string{"region"}, Conditions: []string{"*"}},
		Gauges:   []Number{{Name: "tidelock_live_objects", Help: "h", Value: func() float64 { return 7 }}},
		Counters: []Number{{Name: "tidelock_renders_total", Help: "h", Value: func() float64 { return 3 }}},
	})
	for _, app := range apps {
		m.Passed(app.Namespace, app, time.Millisecond)
		m.Announced("c0ffee")
		start := metav1.NewTime(time.Unix(1000, 0))
		end := metav1.NewTime(time.Unix(1003, 0))
		m.Synced(app, &api.OperationState{
			Phase: api.OperationSucceeded, StartedAt: start, FinishedAt: &end, SyncResult: &api.SyncResult{Revision: "c0ffee"},
			Operation: api.Operation{Sync: &api.SyncOperation{}, InitiatedBy: api.Initiator{Automated: true}},
		})
		m.SecretUsed(app.Namespace, app.Name, "sops", true)
		m.SecretUsed(app.Namespace, app.Name, "external-secret", false)
		m.Drifted(app.Namespace, app.Name)
		m.Requested(traffic.Request{
			App: types.NamespacedName{Namespace: app.Namespace, Name: app.Name}, Server: inCluster, Host: "kubernetes.default.svc", Method: "PATCH", Verb: "Patch",
			Resource: "deployments", Namespace: "shop", Code: 200, Took: time.Millisecond,
		})
		m.Requested(traffic.Request{
			App: types.NamespacedName{Namespace: app.Namespace, Name: app.Name}, Server: inCluster, Host: "kubernetes.default.svc", Method: "PATCH", Verb: "Patch",
			Resource: "deployments", Namespace: "shop", Code: 409, DryRun: true, Took: time.Millisecond,
		})
	}
	m.SetPassed("argocd", "fleet", time.Millisecond, false)
	m.SetPassed("argocd", "former", time.Millisecond, false)
	m.SetPassed("argocd", "former", time.Millisecond, true)
	m.Webhook("github", "taken")
	m.GitAsked("https://git.example/shop.git", "ls-remote")(errors.New("unreachable"))
	m.GitAsked("https://git.example/shop.git", "fetch")(nil)
	m.RegistryAsked("oci://ghcr.example/charts/web", "resolve-revision")(nil)
	m.RegistryAsked("oci://ghcr.example/charts/web", "extract")(errors.New("unreachable"))
	m.RegistryAsked("oci://ghcr.example/charts/web", "get-tags")(errors.New("unreachable"))
	m.RegistryAsked("https://charts.example", "extract")(nil)
	m.Exchanged(traffic.Exchange{Host: "kubernetes.default.svc", Method: "PATCH", Sent: 300, Received: 4000, Lookup: time.Millisecond})
	m.LoggedIn(0, "no_error")
	m.Waited(200 * time.Millisecond)
	queue := m.Queues()
	queue.NewDepthMetric("app_reconciliation_queue").Inc()
	queue.NewAddsMetric("app_reconciliation_queue").Inc()
	queue.NewRetriesMetric("app_reconciliation_queue").Inc()
	queue.NewLatencyMetric("app_reconciliation_queue").Observe(0.1)
	queue.NewWorkDurationMetric("app_reconciliation_queue").Observe(0.1)
	queue.NewUnfinishedWorkSecondsMetric("app_reconciliation_queue").Set(1)
	queue.NewLongestRunningProcessorSecondsMetric("app_reconciliation_queue").Set(1)
	return m
}

func scrape(t testing.TB, m *Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("the scrape fails: %d %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// TestScrape: dashboards and alerts made for Argo CD read these names, labels and
// values. The rows are those of SEMANTICS.md 2.12; what is of kubectl and of Redis
// there is of what Tidelock does instead, or is not at all.
func TestScrape(t *testing.T) {
	text := scrape(t, all(t, application("shop")))
	app := `name="shop",namespace="argocd"`
	for _, want := range []string{
		`argocd_app_info{autosync_enabled="true",dest_namespace="shop",dest_server="` + inCluster + `",health_status="Unknown",` + app + `,operation="",project="default",repo="https://git.example/shop",sync_status="Synced"} 1`,
		`argocd_app_sync_total{dest_server="` + inCluster + `",dry_run="false",` + app + `,phase="Succeeded",project="default"} 1`,
		`argocd_app_sync_total{dest_server="` + inCluster + `",dry_run="false",` + app + `,phase="Failed",project="default"} 0`,
		`argocd_app_sync_duration_seconds_total{dest_server="` + inCluster + `",` + app + `,project="default"} 3`,
		`argocd_app_reconcile_count{dest_server="` + inCluster + `",namespace="argocd"} 1`,
		`argocd_app_reconcile_bucket{dest_server="` + inCluster + `",namespace="argocd",le="0.25"} 1`,
		`argocd_app_k8s_request_total{dry_run="false",` + app + `,project="default",resource_kind="deployments",resource_namespace="shop",response_code="200",server="` + inCluster + `",verb="Patch"} 1`,
		`argocd_app_k8s_request_total{dry_run="true",` + app + `,project="default",resource_kind="deployments",resource_namespace="shop",response_code="409",server="` + inCluster + `",verb="Patch"} 1`,
		`argocd_app_condition{condition="SyncError",` + app + `,project="default"} 2`,
		`argocd_app_condition{condition="ComparisonError",` + app + `,project="default"} 1`,
		`argocd_app_labels{label_team_owner="web",` + app + `,project="default"} 1`,
		`argocd_app_orphaned_resources_count{` + app + `,project="default"} 4`,
		`argocd_cluster_info{k8s_version="1.37.2",name="in-cluster",server="` + inCluster + `"} 1`,
		`argocd_cluster_connection_status{k8s_version="1.37.2",server="` + inCluster + `"} 1`,
		`argocd_cluster_api_resources{server="` + inCluster + `"} 12`,
		`argocd_cluster_api_resource_objects{server="` + inCluster + `"} 345`,
		`argocd_cluster_cache_age_seconds{server="` + inCluster + `"} 36`, // 3600 and a little
		`argocd_cluster_events_total{group="apps",kind="Deployment",server="` + inCluster + `"} 7`,
		`argocd_resource_events_processing_bucket{server="` + inCluster + `",le="0.25"} 6`,
		`argocd_resource_events_processing_count{server="` + inCluster + `"} 7`,
		`argocd_resource_events_processed_in_batch{server="` + inCluster + `"} 345`,
		`argocd_kubectl_exec_pending{command="apply",hostname="`,
		`argocd_kubectl_exec_total{command="apply",hostname="`,
		`argocd_kubectl_requests_total{code="200",host="kubernetes.default.svc",method="PATCH"} 1`,
		`argocd_kubectl_request_duration_seconds_count{host="kubernetes.default.svc",verb="Patch"} 2`,
		`argocd_git_request_total{repo="https://git.example/shop.git",request_type="ls-remote"} 1`,
		`argocd_git_request_duration_seconds_count{repo="https://git.example/shop.git",request_type="fetch"} 1`,
		`argocd_git_lsremote_fail_total{repo="https://git.example/shop.git",revision=""} 1`,
		`argocd_repo_pending_request_total{repo="https://git.example/shop.git"} 0`,
		`argocd_oci_request_total{repo="oci://ghcr.example/charts/web",request_type="extract"} 1`,
		`argocd_oci_extract_fail_total{repo="oci://ghcr.example/charts/web",revision=""} 1`,
		`argocd_appset_labels{label_tier="1",name="fleet",namespace="argocd"} 1`,
		`argocd_cluster_labels{label_region="eu",name="in-cluster",server="` + inCluster + `"} 1`,
		`argocd_kubectl_request_size_bytes_bucket{host="kubernetes.default.svc",method="PATCH",le="512"} 1`,
		`argocd_kubectl_response_size_bytes_sum{host="kubernetes.default.svc",method="PATCH"} 4000`,
		`argocd_kubectl_dns_resolution_duration_seconds_bucket{host="kubernetes.default.svc",le="0.005"} 1`,
		`argocd_kubectl_exec_plugin_call_total{call_status="no_error",code="0"} 1`,
		`argocd_repo_parallelism_wait_duration_seconds_bucket{le="0.25"} 1`,
		`argocd_oci_get_tags_fail_total{repo="oci://ghcr.example/charts/web"} 1`,
		`argocd_oci_request_total{repo="oci://ghcr.example/charts/web",request_type="get-tags"} 1`,
		`argocd_appset_info{name="fleet",namespace="argocd",resource_update_status="ApplicationSetUpToDate"} 1`,
		`argocd_appset_reconcile_count{name="fleet",namespace="argocd"} 1`,
		`argocd_appset_progressive_sync_app_status{name="fleet",namespace="argocd",progressiveStatus="Healthy",step="1"} 2`,
		`argocd_appset_progressive_sync_app_status{name="fleet",namespace="argocd",progressiveStatus="Waiting",step="2"} 1`,
		`argocd_appset_owned_applications{name="fleet",namespace="argocd"} 3`,
		`workqueue_depth{name="app_reconciliation_queue"} 1`,
		`tidelock_build_info{version="v1.2.3"} 1`,
		`tidelock_repository_request_total{repo="https://charts.example",request_type="extract"} 1`,
		`tidelock_app_out_of_sync_objects{` + app + `,project="default"} 2`,
		`tidelock_app_drifts_total{` + app + `} 1`,
		`tidelock_push_to_applied_seconds_count{heard="webhook"} 1`,
		`tidelock_sync_duration_seconds_bucket{phase="Succeeded",le="5"} 1`,
		`tidelock_secret_uses_total{kind="sops",` + app + `,outcome="success"} 1`,
		`tidelock_secret_uses_total{kind="external-secret",` + app + `,outcome="failure"} 1`,
		`tidelock_webhooks_total{outcome="taken",provider="github"} 1`,
		"tidelock_live_objects 7", "tidelock_renders_total 3", "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
	if strings.Contains(text, "former") {
		t.Error("the scrape holds an ApplicationSet that is gone")
	}
	if strings.Contains(text, "hunter2") {
		t.Error("the scrape holds a password")
	}
}

// TestForget: an Application that is gone leaves no series behind.
func TestForget(t *testing.T) {
	here, gone := application("shop"), application("gone")
	apps := []*api.Application{here, gone}
	m := all(t, here, gone)
	if text := scrape(t, m); strings.Count(text, `name="gone"`) != strings.Count(text, `name="shop"`) {
		t.Fatal("of one Application there is more than of the other")
	}
	m.requests.applications = func() []*api.Application { return apps[:1] }
	m.Forget(gone.Namespace, gone.Name)
	if n := len(m.requests.byApp); n != 1 {
		t.Errorf("requests of %d Applications are counted, want 1", n)
	}
	for line := range strings.Lines(scrape(t, m)) {
		if strings.Contains(line, `name="gone"`) && !strings.HasPrefix(line, "argocd_app_info") && !strings.HasPrefix(line, "argocd_app_condition") &&
			!strings.HasPrefix(line, "argocd_app_labels") && !strings.HasPrefix(line, "argocd_app_orphaned") && !strings.HasPrefix(line, "tidelock_app_out_of_sync") {
			t.Errorf("left behind: %s", line)
		}
	}
}

// TestBounded: what people outside choose the text of cannot make series without end.
func TestBounded(t *testing.T) {
	app := application("shop")
	m := all(t, app)
	for i := range 3000 {
		text := fmt.Sprintf("x%d", i)
		moved := application("shop")
		moved.Spec.Destination = api.Destination{Server: "https://" + text}
		m.Passed("argocd", moved, time.Millisecond)
		m.GitAsked("https://"+text, "fetch")(errors.New("no such host"))
		m.Requested(traffic.Request{
			App: types.NamespacedName{Namespace: app.Namespace, Name: app.Name}, Server: inCluster, Host: "kubernetes.default.svc", Method: "GET", Verb: "Get",
			Resource: text, Namespace: text, Code: 404,
		})
		m.Announced(text)
	}
	text := scrape(t, m)
	for name, most := range map[string]int{
		"argocd_app_reconcile_count{": maxServers + 1, "argocd_git_request_total{": maxRepositories + 2, "argocd_git_fetch_fail_total{": maxRepositories + 1,
		"argocd_app_k8s_request_total{": maxKinds + 1, "argocd_app_sync_total{": 3,
	} {
		if n := strings.Count(text, name); n == 0 || n > most {
			t.Errorf("%d series of %s, want up to %d", n, name, most)
		}
	}
	if n := len(m.pushes.heard); n != maxPushes {
		t.Errorf("%d commits are remembered, want %d", n, maxPushes)
	}
}

// TestClipped: what people write into objects cannot make a scrape as long as it likes,
// nor fail it.
func TestClipped(t *testing.T) {
	app := application("shop")
	long := strings.Repeat("é", 100_000)
	app.Spec.Project, app.Spec.Source.RepoURL = long, "https://git.example/"+long
	app.Spec.Destination = api.Destination{Server: "https://" + long, Namespace: long}
	app.Status.Sync.Status, app.Status.Health.Status = api.SyncCode(long), api.HealthCode(long)
	app.Status.Conditions = []api.Condition{{Type: api.ConditionType(long)}}
	app.Labels["team/owner"] = long
	m := all(t, app)
	m.GitAsked("https://git.example/"+long, "fetch")(nil)
	m.Delivered(long, long, true)
	m.Evaluated(long, true)
	for line := range strings.Lines(scrape(t, m)) {
		if len(line) > 10*maxText {
			t.Errorf("a line of %d bytes: %.200s", len(line), line)
		}
	}
}

// TestAddresses: a repository has one address in all series of Applications, as in Argo
// CD, without what may be secret.
func TestAddresses(t *testing.T) {
	for written, want := range map[string]string{
		"https://GitHub.com/org/Shop.git":           "https://github.com/org/shop",
		"https://jane:hunter2@git.example/shop.git": "https://git.example/shop",
		"git@github.com:org/shop.git":               "git@github.com/org/shop",
		"ssh://git@github.com:22/org/shop":          "git@github.com:22/org/shop",
		"https://charts.example":                    "https://charts.example",
		"registry.example/charts":                   "registry.example/charts",
		"https://git.example/%zz":                   "",
	} {
		app := application("shop")
		app.Spec.Source.RepoURL = written
		text := scrape(t, all(t, app))
		if !strings.Contains(text, fmt.Sprintf("project=%q,repo=%q", "default", want)) {
			_, line, _ := strings.Cut(text, "\nargocd_app_info{")
			line, _, _ = strings.Cut(line, "\n")
			t.Errorf("%s: want %s, got %s", written, want, line)
		}
	}
}

// TestPushes: an Application counts once for each commit, from when it was heard of
// first, and only if it was synced by itself.
func TestPushes(t *testing.T) {
	m := New(Sources{Applications: func() []*api.Application { return nil }})
	at := time.Unix(1000, 0)
	m.pushes.now = func() time.Time { return at }
	after := func(d time.Duration) { at = at.Add(d) }
	synced := func(name, sha string, automated bool, phase api.OperationPhase) {
		finished := metav1.NewTime(at)
		m.Synced(application(name), &api.OperationState{
			Phase: phase, StartedAt: finished, FinishedAt: &finished, SyncResult: &api.SyncResult{Revision: sha},
			Operation: api.Operation{Sync: &api.SyncOperation{}, InitiatedBy: api.Initiator{Automated: automated}},
		})
	}
	m.Announced("a")
	after(time.Second)
	m.Moved("a")
	m.Moved("b")
	m.Moved("")
	after(2 * time.Second)
	synced("shop", "a", true, api.OperationFailed)
	synced("shop", "a", true, api.OperationSucceeded) // 3 s
	synced("bank", "a", true, api.OperationSucceeded) // 3 s
	synced("bank", "b", false, api.OperationSucceeded)
	synced("shop", "", true, api.OperationSucceeded)
	synced("shop", "c", true, api.OperationSucceeded)
	after(time.Hour)
	synced("shop", "a", true, api.OperationSucceeded)
	after(-time.Hour)
	synced("shop", "b", true, api.OperationSucceeded) // 2 s
	text := scrape(t, m)
	for _, want := range []string{
		`tidelock_push_to_applied_seconds_sum{heard="webhook"} 6`, `tidelock_push_to_applied_seconds_count{heard="webhook"} 2`,
		`tidelock_push_to_applied_seconds_sum{heard="poll"} 2`, `tidelock_push_to_applied_seconds_count{heard="poll"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the scrape lacks %s", want)
		}
	}
}

// BenchmarkScrape is of 1,000 Applications that have made twenty kinds of requests
// each.
func BenchmarkScrape(b *testing.B) {
	apps := make([]*api.Application, 1000)
	for i := range apps {
		apps[i] = application(fmt.Sprintf("app-%d", i))
	}
	m := all(b, apps...)
	for _, app := range apps {
		for i := range 20 {
			m.Requested(traffic.Request{
				App: types.NamespacedName{Namespace: app.Namespace, Name: app.Name}, Server: inCluster, Host: "kubernetes.default.svc", Method: "PATCH", Verb: "Patch",
				Resource: fmt.Sprintf("kind%d", i), Namespace: app.Name, Code: 200,
			})
		}
	}
	b.SetBytes(int64(len(scrape(b, m))))
	b.ReportAllocs()
	for b.Loop() {
		m.Handler().ServeHTTP(discard{http.Header{}}, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}
}

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header              { return d.header }
func (discard) WriteHeader(int)                    {}
func (discard) Write(text []byte) (n int, _ error) { return len(text), nil }

// TestTell: which labels and conditions are told may change between two scrapes.
func TestTell(t *testing.T) {
	app := application("shop")
	app.Labels["tier"] = "1"
	m := all(t, app)
	m.Tell(Telling{ApplicationLabels: []string{"tier", "team/owner"}, Conditions: []string{"SyncError"}})
	text := scrape(t, m)
	for want, there := range map[string]bool{
		`argocd_app_labels{label_team_owner="web",label_tier="1",name="shop",`: true,
		`argocd_app_condition{condition="SyncError"`:                           true,
		`argocd_app_condition{condition="ComparisonError"`:                     false,
	} {
		if strings.Contains(text, want) != there {
			t.Errorf("%s: %t, want %t", want, !there, there)
		}
	}
	m.Tell(Telling{})
	if text := scrape(t, m); strings.Contains(text, "argocd_app_labels") || strings.Contains(text, "argocd_app_condition") {
		t.Error("labels or conditions are told that nobody asks for any more")
	}
}

func TestCheckLabels(t *testing.T) {
	for labels, want := range map[string]string{
		"":        "",
		"a b.c/d": "",
		"a.b a-b": `"a-b" would be label_a_b in metrics, as "a.b" is`,
		"a a":     `"a" would be label_a in metrics, as "a" is`,
	} {
		err := CheckLabels(strings.Fields(labels))
		if err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%q: %v, want %q", labels, err, want)
		}
	}
	if CheckLabels([]string{"a//b"}) == nil {
		t.Error("a//b is taken for a label")
	}
}

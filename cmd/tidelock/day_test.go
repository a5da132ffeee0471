package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"k8s.io/klog/v2"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// dayVariable is set in the process that lives through the day.
const dayVariable = "TIDELOCK_TEST_DAY"

var dayHours = flag.Int("day", 24, "of how many hours a day of TestDayAlone is")

// TestDay lives through a day in which nothing happens, one on which there is work to
// do, and hours in which Applications come and go: with all of the agent, in virtual
// time, and in a process of its own, so that what is counted is the agent's.
func TestDay(t *testing.T) {
	t.Parallel()
	whole(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDayAlone$", "-test.v", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), dayVariable+"=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// TestDayAlone is what TestDay runs.
func TestDayAlone(t *testing.T) { //nolint:paralleltest // it counts what is in the process
	if os.Getenv(dayVariable) == "" {
		t.Skip("TestDay runs it by itself")
	}
	klog.SetSlogLogger(slog.New(slog.DiscardHandler))
	synctest.Test(t, func(t *testing.T) {
		w := morning(t)
		w.populate(t)
		w.wake(t)
		defer w.night(t)
		w.hour(t)
		if left := w.unsettled(); len(left) > 0 {
			t.Fatalf("after an hour: %s", left)
		}
		w.requests()
		steady := w.hours(t, *dayHours, func(int) {})
		t.Logf("nothing happens:\n%s", steady)
		steady.quiet(t)
		steady.level(t, 3)
		busy := w.hours(t, *dayHours, func(hour int) { w.busy(t, hour) })
		t.Logf("commits, drifts, rotations, and some come and go:\n%s", busy)
		busy.level(t, 10)
		crowds := w.hours(t, 6, func(hour int) { w.crowd(t, hour) })
		t.Logf("a hundred Applications come, and go in the next hour:\n%s", crowds)
		crowds.left(t)
		if left := w.unsettled(); len(left) > 0 {
			t.Errorf("in the end: %s", left)
		}
	})
}

// quiet checks that nothing is written while nothing happens, but that the replica
// lives, and Events that secrets were read again. Once the server has forgotten what watches had seen, it is asked what
// it serves, which is of no verb.
func (all hourlies) quiet(t *testing.T) {
	t.Helper()
	for i, m := range all {
		for asked, n := range m.asked {
			if verb, _, _ := strings.Cut(asked, " "); verb != "Watch" && verb != "List" && verb != "Unknown" && !strings.HasSuffix(asked, " events") && asked != "Update leases" {
				t.Errorf("hour %d: %d %s", i+1, n, asked)
			}
		}
	}
}

// level compares hours 2 to 4 with the last three: what is held and asked for is the
// same, but for a share of the memory, in percent, and the jitter of watches.
func (all hourlies) level(t *testing.T, percent int) {
	t.Helper()
	if len(all) < 8 {
		return // begun by hand, to look at
	}
	early, late := all[1:4], all[len(all)-3:]
	least := func(of hourlies, n func(hourly) int) int {
		return n(slices.MinFunc(of, func(a, b hourly) int { return n(a) - n(b) }))
	}
	for _, is := range []struct {
		what  string
		slack int // in percent
		n     func(hourly) int
	}{
		{"KiB of memory", percent, func(m hourly) int { return int(m.heap >> 10) }},
		{"goroutines", 0, func(m hourly) int { return m.goroutines }},
		{"files", 100, func(m hourly) int { return m.files }}, // packs are merged from sixteen on
		{"series", 2, func(m hourly) int { return m.series }}, // such as the first answer with a code
		{"requests", 20, func(m hourly) int { return m.asked.Total() }},
	} {
		if before, after := least(early, is.n), least(late, is.n); after > before+before*is.slack/100 {
			t.Errorf("%d %s have become %d", before, is.what, after)
		}
	}
}

// goneKept is what may be kept of an Application that is gone, in bytes: names, in
// caches that have a limit.
const goneKept = 4 << 10

// left compares what there is after the Applications of each second hour have gone.
func (all hourlies) left(t *testing.T) {
	t.Helper()
	before, after := all[1], all[len(all)-1]
	gone := uint64(len(all)/2-1) * crowdSize
	if after.heap > before.heap+gone*goneKept {
		t.Errorf("of %d Applications that are gone %d KiB of memory are left", gone, (after.heap-before.heap)>>10)
	}
	if after.goroutines > before.goroutines || after.series > before.series+before.series/50 {
		t.Errorf("%d goroutines and %d series have become %d and %d", before.goroutines, before.series, after.goroutines, after.series)
	}
}

// crowdSize is how many Applications come and go at once.
const crowdSize = 100

// busy has the usual happen: commits, somebody who edits by hand, a secret that is
// rotated, and an Application, a tenant and a project that come, while those of the hour
// before go.
func (w *dayWorld) busy(t *testing.T, hour int) {
	t.Helper()
	if left := w.unsettled(); len(left) > 0 {
		t.Fatalf("hour %d: %s", hour, left)
	}
	version := fmt.Sprint("hour-", hour)
	for _, of := range []string{"plain-0/objects.yaml", "helm-1/templates/objects.yaml"} {
		w.commit(t, map[string]string{of: fmt.Sprintf(plainObjects, version)})
	}
	w.do(t, http.MethodPatch, "/apis/apps/v1/namespaces/plain-1/deployments/web", map[string]any{"spec": map[string]any{"replicas": 2 + hour}})
	w.do(t, http.MethodPatch, "/api/v1/namespaces/plain-2/configmaps/settings", map[string]any{"data": map[string]any{"version": version}})
	w.given.rotate()
	now, before := fmt.Sprintf("guest-%d", hour), fmt.Sprintf("guest-%d", hour-1)
	w.create(t, map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": map[string]any{"name": now, "namespace": testenv.AgentNamespace},
		"spec": map[string]any{"sourceRepos": []any{"*"}, "clusterResourceWhitelist": []any{map[string]any{"group": "", "kind": "Namespace"}}, "destinations": []any{map[string]any{"server": "*", "namespace": "*"}}},
	})
	w.application(t, now, "sops-0")
	w.do(t, http.MethodPatch, pathOf("Application", testenv.AgentNamespace, now), map[string]any{"spec": map[string]any{"project": now}})
	w.commit(t, map[string]string{"tenants/" + now + "/objects.yaml": fmt.Sprintf(plainObjects, "0")})
	if hour == 0 {
		return
	}
	w.remove(t, "Application", before)
	time.Sleep(10 * time.Minute)
	if err := os.RemoveAll(w.dir + "/tenants/" + before); err != nil {
		t.Fatal(err)
	}
	w.commit(t, nil)
	w.do(t, http.MethodDelete, pathOf("AppProject", testenv.AgentNamespace, before), nil)
	w.do(t, http.MethodDelete, pathOf("Namespace", "", before), nil)
	time.Sleep(10 * time.Minute)
	w.do(t, http.MethodDelete, pathOf("Namespace", "", "tenant-"+before), nil)
}

// crowd has many Applications come in an hour, and go in the next.
func (w *dayWorld) crowd(t *testing.T, hour int) {
	t.Helper()
	for i := range crowdSize {
		name := fmt.Sprintf("crowd-%d-%d", hour/2, i)
		if hour%2 == 0 {
			w.application(t, name, "plain-0")
			continue
		}
		w.remove(t, "Application", name)
	}
	if hour%2 == 1 {
		time.Sleep(10 * time.Minute)
		for i := range crowdSize {
			w.do(t, http.MethodDelete, pathOf("Namespace", "", fmt.Sprintf("crowd-%d-%d", hour/2, i)), nil)
		}
	}
}

func (w *dayWorld) remove(t *testing.T, kind, name string) {
	t.Helper()
	w.do(t, http.MethodDelete, pathOf(kind, testenv.AgentNamespace, name), nil)
}

// hour lets an hour go by. Watches end as API servers end them, once in the hour by the
// network; then the server has forgotten what they have seen.
func (w *dayWorld) hour(t *testing.T) {
	t.Helper()
	time.Sleep(30 * time.Minute)
	for _, o := range w.server.All() {
		if o.Kind.Kind == "Event" {
			w.do(t, http.MethodDelete, "/api/v1/namespaces/"+o.Namespace+"/events/"+o.Name, nil)
		}
	}
	w.server.Expire()
	w.server.Cut(dayAgent)
	time.Sleep(30 * time.Minute)
}

// A hourly is what the process holds after an hour, and what it asked for in it.
type hourly struct {
	heap       uint64
	goroutines int
	files      int
	series     int
	fetched    int // secrets, from their provider
	asked      testenv.Requests
}

type hourlies []hourly

// hours lets some go by, in each of which something happens.
func (w *dayWorld) hours(t *testing.T, n int, happens func(hour int)) (all hourlies) {
	t.Helper()
	for hour := range n {
		happens(hour)
		fetched := w.given.count()
		w.hour(t)
		m := w.measure(t)
		m.fetched = w.given.count() - fetched
		all = append(all, m)
	}
	return all
}

func (w *dayWorld) measure(t *testing.T) hourly {
	t.Helper()
	synctest.Wait()
	m := hourly{asked: w.requests(), series: w.series(t)}
	runtime.GC() // empties pools,
	runtime.GC() // and takes what was in them
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.heap, m.goroutines = stats.HeapAlloc, runtime.NumGoroutine()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	m.files = len(files)
	return m
}

func (all hourlies) String() string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "hour\theap KiB\tgoroutines\tfiles\tseries\tsecrets fetched\trequests\t\n")
	for i, m := range all {
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t %s\n", i+1, m.heap>>10, m.goroutines, m.files, m.series, m.fetched, m.asked.Total(), m.asked)
	}
	_ = table.Flush() // to memory
	return b.String()
}

// populate states Applications of every kind.
func (w *dayWorld) populate(t *testing.T) {
	t.Helper()
	files := map[string]string{}
	var apps [][2]string
	for i := range 3 {
		for _, kind := range []string{"plain", "kustomize", "helm", "sops", "sealed", "external"} {
			name := fmt.Sprintf("%s-%d", kind, i)
			for file, text := range w.stated(t, kind, name) {
				files[name+"/"+file] = text
			}
			apps = append(apps, [2]string{name, name})
		}
		files[fmt.Sprintf("tenants/t%d/objects.yaml", i)] = fmt.Sprintf(plainObjects, "0")
	}
	w.commit(t, files)
	for _, app := range apps {
		w.application(t, app[0], app[1])
	}
	w.do(t, http.MethodPost, pathOf("ApplicationSet", testenv.AgentNamespace, ""), w.tenants())
}

// plainObjects are an Application's, in which %[1]s is a version.
const plainObjects = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {version: "%[1]s"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "example.com/web:%[1]s"}]}
`

// stated are the files of an Application of a kind.
func (w *dayWorld) stated(t *testing.T, kind, name string) map[string]string {
	t.Helper()
	files := map[string]string{"objects.yaml": fmt.Sprintf(plainObjects, "0")}
	switch kind {
	case "kustomize":
		files["kustomization.yaml"] = "resources: [objects.yaml]\nnamePrefix: k-\n"
	case "helm":
		files["Chart.yaml"] = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
		files["templates/objects.yaml"] = files["objects.yaml"]
		delete(files, "objects.yaml")
	case "sops":
		root := t.TempDir()
		rule := fmt.Sprintf("creation_rules: [{encrypted_regex: '^(data|stringData)$', age: %s}]\n", w.sops.Recipient())
		if err := os.WriteFile(root+"/.sops.yaml", []byte(rule), 0o600); err != nil {
			t.Fatal(err)
		}
		cipher, err := testenv.EncryptSOPS(root, "secret.yaml", []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {token: abc}\n"))
		if err != nil {
			t.Fatal(err)
		}
		files["secret.yaml"] = string(cipher)
	case "sealed":
		cipher, err := w.sealing.Seal("strict", name, "token", map[string][]byte{"token": []byte("abc")})
		if err != nil {
			t.Fatal(err)
		}
		files["secret.json"] = string(cipher)
	case "external":
		files["secret.yaml"] = `apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: store}
spec: {provider: {fake: {data: []}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: token}
spec: {refreshInterval: 1h, secretStoreRef: {name: store}, data: [{secretKey: password, remoteRef: {key: password}}]}
`
	}
	return files
}

// tenants is an ApplicationSet of the directories below tenants.
func (w *dayWorld) tenants() map[string]any {
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
		"metadata": map[string]any{"name": "tenants", "namespace": testenv.AgentNamespace},
		"spec": map[string]any{
			"goTemplate": true,
			"generators": []any{map[string]any{"git": map[string]any{
				"repoURL": w.address(), "revision": "main", "directories": []any{map[string]any{"path": "tenants/*"}},
			}}},
			"template": map[string]any{
				"metadata": map[string]any{"name": "tenant-{{ .path.basename }}"},
				"spec": map[string]any{
					"project": "default", "source": map[string]any{"repoURL": w.address(), "targetRevision": "main", "path": "{{ .path.path }}"},
					"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": "tenant-{{ .path.basename }}"},
					"syncPolicy":  map[string]any{"automated": map[string]any{"prune": true, "selfHeal": true}, "syncOptions": []any{"CreateNamespace=true"}},
				},
			},
		},
	}
}

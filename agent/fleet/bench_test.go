package fleet

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// estate is n Applications with projects, windows, waves, hooks and dependencies, all
// children of one, and two that clash.
func estate(t testing.TB, n int) *Fleet {
	t.Helper()
	f := &Fleet{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range n/50 + 1 {
		f.Loose = append(f.Loose, parse(t, fmt.Sprintf("projects/%d.yaml", i), fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: team-%d, namespace: argocd}
spec:
  sourceRepos: ["https://git.example.com/*"]
  destinations: [{server: "https://kubernetes.default.svc", namespace: "app-*"}]
  clusterResourceWhitelist: [{group: "", kind: Namespace}]
  syncWindows:
  - {kind: allow, schedule: "0 8 * * *", duration: 8h, applications: ["app-*"]}
  - {kind: deny, schedule: "0 7 * 1-11 *", duration: 10h, applications: ["*"]}
`, i))...)
	}
	var children manifest.Set
	for i := range n {
		more := fmt.Sprintf(", annotations: {argocd.argoproj.io/sync-wave: %q, tidelock.io/depends-on: app-%03d}", fmt.Sprint(i%5), i/2)
		if i == 0 {
			more = ""
		}
		text := applicationText(fmt.Sprintf("app-%03d", i), fmt.Sprintf("app-%03d", i), more)
		o := parse(t, fmt.Sprintf("apps/%03d.yaml", i), text)[0]
		o, err := o.Edit(func(body map[string]any) { body["spec"].(map[string]any)["project"] = fmt.Sprintf("team-%d", i/50) })
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, o)
		f.Members = append(f.Members, memberOf(t, o, parse(t, fmt.Sprintf("app-%03d/all.yaml", i), workload(i == 3 || i == 4))))
	}
	root := parse(t, "root.yaml", applicationText("root", "argocd", ""))[0]
	f.Members = append(f.Members, memberOf(t, root, children))
	return f
}

func workload(clashes bool) string {
	text := `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {argocd.argoproj.io/sync-wave: "1"}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {serviceAccountName: web, containers: [{name: web, image: "example.com/web:1", envFrom: [{configMapRef: {name: settings}}]}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {argocd.argoproj.io/hook: PreSync}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: web, image: "example.com/web:1"}]}}}
`
	if clashes {
		text += "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: app-shared}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared, namespace: app-shared}\n"
	}
	return text
}

// BenchmarkCheck looks at 500 Applications: it is to take less than 100 ms.
func BenchmarkCheck(b *testing.B) {
	f := estate(b, 500)
	for b.Loop() {
		if problems, _ := f.Check(); len(problems) != 2 {
			b.Fatalf("%d problems", len(problems))
		}
	}
}

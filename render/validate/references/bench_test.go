package references

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

const service = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec:
  selector: {matchLabels: {app: web-%[1]d}}
  template:
    metadata: {labels: {app: web-%[1]d, part-of: shop}}
    spec:
      serviceAccountName: web-%[1]d
      containers:
      - name: web
        image: registry.example.com/web:1
        ports: [{name: http, containerPort: 8080}]
        env:
        - {name: A, valueFrom: {secretKeyRef: {name: web-%[1]d, key: a}}}
        - {name: B, valueFrom: {secretKeyRef: {name: web-%[1]d, key: b}}}
        - {name: C, valueFrom: {configMapKeyRef: {name: web-%[1]d, key: c}}}
        envFrom: [{secretRef: {name: %[3]s}}]
        volumeMounts: [{name: config, mountPath: /etc/web.yaml, subPath: c}]
      volumes: [{name: config, configMap: {name: web-%[1]d}}]
---
apiVersion: v1
kind: Service
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec: {selector: {app: %[4]s}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-%[1]d, port: {name: http}}}}]}}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
data: {c: d}
---
apiVersion: v1
kind: Secret
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
stringData: {a: b, b: c}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web-%[1]d, namespace: shop-%[2]d}
spec: {minAvailable: 1, selector: {matchLabels: {app: web-%[1]d}}}
`

// services are Applications of seven objects each, in so many namespaces. Of broken
// ones each lacks a Secret, and a Service selects nothing.
func services(t testing.TB, n, namespaces int, broken bool) []Part {
	t.Helper()
	var parts []Part
	for i := range n {
		secret, app := fmt.Sprintf("web-%d", i), fmt.Sprintf("web-%d", i)
		if broken {
			secret, app = "nothing-"+secret, "nothing-"+app
		}
		set, err := manifest.Parse([]byte(fmt.Sprintf(service, i, i%namespaces, secret, app)), manifest.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, Part{Set: set, Cluster: "in-cluster", Namespace: fmt.Sprintf("shop-%d", i%namespaces)})
	}
	return parts
}

// BenchmarkCheck looks at Applications of a namespace each, at such that share one,
// and at such of which each is broken.
func BenchmarkCheck(b *testing.B) {
	for _, bench := range []struct {
		name          string
		n, namespaces int
		broken        bool
	}{
		{"500", 500, 500, false}, {"5000", 5000, 5000, false},
		{"500_in_one_namespace", 500, 1, false}, {"5000_in_one_namespace", 5000, 1, false},
		{"500_broken", 500, 500, true}, {"500_broken_in_one_namespace", 500, 1, true},
	} {
		parts := services(b, bench.n, bench.namespaces, bench.broken)
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				Check(parts, Options{Whole: true})
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*bench.n*7), "µs/object")
		})
	}
}

// TestServices: what the benchmark looks at is as it says.
func TestServices(t *testing.T) {
	for broken, want := range map[bool]string{false: "", true: strings.Repeat("missing-secret selects-nothing ", 3)} {
		var got string
		for _, problems := range Check(services(t, 3, 1, broken), Options{Whole: true}) {
			for _, p := range problems {
				got += p.Rule + " "
			}
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

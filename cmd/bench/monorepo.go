package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// The marks of the bench on every object of the repository.
const (
	partOfLabel        = "app.kubernetes.io/part-of"
	partOf             = "bench"
	revisionAnnotation = "bench.tidelock.io/revision"
)

// objectsPerService is how many objects an overlay renders to. The namespace
// comes with the Application and is not counted.
const objectsPerService = 4

// serviceName is the name of a service, of its objects and of its Application.
func serviceName(i int) string { return fmt.Sprintf("svc-%04d", i) }

// namespace is where a service lives: in one of its own, unless told otherwise.
func (o *options) namespace(i int) string {
	if o.shared {
		return "services"
	}
	return serviceName(i)
}

func overlayPath(i int) string { return "services/" + serviceName(i) + "/overlays/staging" }

// baseFiles are the base of a service, in which %[1]s is its name.
var baseFiles = map[string]string{
	"kustomization.yaml": `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deployment.yaml, service.yaml, serviceaccount.yaml, configmap.yaml]
labels:
  - pairs: {app.kubernetes.io/part-of: bench, app.kubernetes.io/name: %[1]s}
`,
	"deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
spec:
  replicas: 0
  selector:
    matchLabels: {app: %[1]s}
  template:
    metadata:
      labels: {app: %[1]s}
    spec:
      serviceAccountName: %[1]s
      containers:
        - name: main
          image: registry.example.com/%[1]s:1.0.0
          ports:
            - {name: http, containerPort: 8080}
          envFrom:
            - configMapRef: {name: %[1]s}
          readinessProbe:
            httpGet: {path: /healthz, port: http}
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {memory: 256Mi}
`,
	"service.yaml": `apiVersion: v1
kind: Service
metadata:
  name: %[1]s
spec:
  selector: {app: %[1]s}
  ports:
    - {name: http, port: 80, targetPort: http}
`,
	"serviceaccount.yaml": `apiVersion: v1
kind: ServiceAccount
metadata:
  name: %[1]s
automountServiceAccountToken: false
`,
	"configmap.yaml": `apiVersion: v1
kind: ConfigMap
metadata:
  name: %[1]s
data:
  NAME: %[1]s
  LOG_LEVEL: info
  LISTEN: ":8080"
`,
}

// overlay changes every object of a service when its revision does.
func overlay(name, namespace, revision string) string {
	return fmt.Sprintf(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: %s
resources: [../../base]
commonAnnotations: {%s: %q}
replicas:
  - {name: %s, count: 0}
`, namespace, revisionAnnotation, revision, name)
}

// writeServices fills the repository.
func (b *bench) writeServices(revision string) error {
	for i := range b.options.services {
		base := "services/" + serviceName(i) + "/base/"
		for name, content := range baseFiles {
			if err := b.repo.Write(base+name, fmt.Appendf(nil, content, serviceName(i))); err != nil {
				return err
			}
		}
		if err := b.writeOverlay(i, revision); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) writeOverlay(i int, revision string) error {
	content := overlay(serviceName(i), b.options.namespace(i), revision)
	return b.repo.Write(overlayPath(i)+"/kustomization.yaml", []byte(content))
}

// application is the Application of a service.
func (b *bench) application(i int) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": api.GroupVersion.String(),
		"kind":       api.ApplicationKind,
		"metadata":   map[string]any{"name": serviceName(i), "namespace": testenv.AgentNamespace},
		"spec": map[string]any{
			"project":     "default",
			"source":      map[string]any{"repoURL": b.repo.URL, "targetRevision": "main", "path": overlayPath(i)},
			"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": b.options.namespace(i)},
			"syncPolicy": map[string]any{
				"automated":   map[string]any{"prune": true, "selfHeal": true},
				"syncOptions": []any{"CreateNamespace=true"},
			},
		},
	}}
}

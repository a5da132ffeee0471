package manifest

import (
	"fmt"
	"strings"
	"testing"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%d
  namespace: shop
  labels: {app.kubernetes.io/name: web, app.kubernetes.io/part-of: shop}
spec:
  replicas: 3
  selector:
    matchLabels: {app.kubernetes.io/name: web}
  template:
    metadata:
      labels: {app.kubernetes.io/name: web, app.kubernetes.io/part-of: shop}
    spec:
      serviceAccountName: web
      containers:
      - name: web
        image: registry.example.com/shop/web:v1.2.3
        ports: [{name: http, containerPort: 8080}]
        env:
        - {name: A, value: "1"}
        - name: B
          valueFrom: {secretKeyRef: {name: web, key: b}}
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
        readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 5}
`

// BenchmarkParse reads 100 Deployments, as YAML and as JSON documents.
func BenchmarkParse(b *testing.B) {
	var docs []string
	for i := range 100 {
		docs = append(docs, fmt.Sprintf(deployment, i))
	}
	text := []byte(strings.Join(docs, "---\n"))
	set, err := Parse(text, Origin{})
	if err != nil {
		b.Fatal(err)
	}
	var asJSON []string
	for _, o := range set {
		asJSON = append(asJSON, string(o.JSON()))
	}
	for name, text := range map[string][]byte{"yaml": text, "json": []byte(strings.Join(asJSON, "\n---\n"))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := Parse(text, Origin{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package diff

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkDigest(b *testing.B) {
	for _, bm := range []struct {
		name, apiVersion string
		object           map[string]any
	}{
		{"ConfigMap", "v1", decode(b, `
apiVersion: v1
metadata:
  name: c
  labels: {tidelock.io/app: shop, app: web}
  annotations: {argocd.argoproj.io/tracking-id: "shop:/ConfigMap:n/c"}
  managedFields:
  - {manager: tidelock, operation: Apply, apiVersion: v1, fieldsV1: {
      f:metadata: {f:labels: {f:tidelock.io/app: {}, f:app: {}}, f:annotations: {f:argocd.argoproj.io/tracking-id: {}}},
      f:data: {f:a: {}, f:b: {}, f:c: {}, f:d: {}}}}
data: {a: one, b: two, c: "3", d: "`+strings.Repeat("x", 500)+`"}`)},
		{"Deployment", "apps/v1", bigDeployment(b)},
		{"CRD", "apiextensions.k8s.io/v1", bigCRD()},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, err := Digest([]byte("key"), bm.apiVersion, bm.object); err != nil || got == "" {
					b.Fatal(got, err)
				}
			}
		})
	}
}

// bigDeployment has three containers with twelve variables each, and two other
// managers: about 6 kB.
func bigDeployment(b *testing.B) map[string]any {
	var spec, fields strings.Builder
	for c := range 3 {
		fmt.Fprintf(&spec, "      - {name: c%d, image: 'web:1', ports: [{containerPort: %d, protocol: TCP}], env: [", c, 8000+c)
		fmt.Fprintf(&fields, `'k:{"name":"c%d"}': {.: {}, f:name: {}, f:image: {}, f:ports: {'k:{"containerPort":%d,"protocol":"TCP"}': {.: {}, f:containerPort: {}}}, f:env: {`, c, 8000+c)
		for e := range 12 {
			fmt.Fprintf(&spec, "{name: V%d, value: v%d},", e, e)
			fmt.Fprintf(&fields, `'k:{"name":"V%d"}': {.: {}, f:name: {}, f:value: {}},`, e)
		}
		spec.WriteString("]}\n")
		fields.WriteString("}},")
	}
	entry := "fieldsV1: {f:metadata: {f:labels: {f:app: {}}}, f:spec: {f:replicas: {}, f:selector: {}, f:template: {f:metadata: {f:labels: {f:app: {}}}, f:spec: {f:containers: {" + fields.String() + "}}}}}"
	return decode(b, `
apiVersion: apps/v1
metadata:
  labels: {app: web}
  managedFields:
  - {manager: tidelock, operation: Apply, apiVersion: apps/v1, `+entry+`}
  - {manager: kubectl-client-side-apply, operation: Update, apiVersion: apps/v1, `+entry+`}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
`+spec.String())
}

// bigCRD has a schema of about half a megabyte.
func bigCRD() map[string]any {
	schema, fields := bigSchema(5)
	return map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"metadata": map[string]any{"managedFields": []any{map[string]any{
			"manager": Manager, "operation": "Apply", "apiVersion": "apiextensions.k8s.io/v1",
			"fieldsV1": map[string]any{"f:spec": map[string]any{"f:versions": map[string]any{
				`k:{"name":"v1"}`: map[string]any{".": map[string]any{}, "f:schema": fields},
			}}},
		}}},
		"spec": map[string]any{"versions": []any{map[string]any{"name": "v1", "schema": schema}}},
	}
}

func bigSchema(depth int) (schema, fields map[string]any) {
	schema = map[string]any{"type": "object", "description": strings.Repeat("what this field is for ", 4)}
	fields = map[string]any{"f:type": map[string]any{}, "f:description": map[string]any{}}
	if depth == 0 {
		return schema, fields
	}
	properties, owned := map[string]any{}, map[string]any{}
	for i := range 5 {
		name := fmt.Sprintf("field%d", i)
		properties[name], owned["f:"+name] = bigSchema(depth - 1)
	}
	schema["properties"], fields["f:properties"] = properties, owned
	return schema, fields
}

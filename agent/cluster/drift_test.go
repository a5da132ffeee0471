package cluster

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// everyKind has objects as people write them: with defaults left out, numbers in
// other forms, and lists in no special order.
const everyKind = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: "1", b: "2"}, binaryData: {x: AAE=}}
---
{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: hunter2}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: sa}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80, name: http}, {port: 443, name: https, targetPort: tls}]}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1024Mi}}}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {count/secrets: "1000"}}}
---
{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: Pod, max: {cpu: 2000m}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  strategy: {}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web:1
        env: [{name: B, value: "2"}, {name: A, value: "1"}]
        ports: [{containerPort: 8080}, {containerPort: 9090, name: metrics}]
        resources: {limits: {cpu: 1000m, memory: 1Gi}}
        readinessProbe: {httpGet: {path: /, port: 8080}}
        volumeMounts: [{name: tmp, mountPath: /tmp}]
      - {name: side, image: side}
      volumes: [{name: tmp, emptyDir: {}}, {name: c, configMap: {name: c}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: db}]}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: a, image: a}], tolerations: [{operator: Exists}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}, maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: r}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}, subjects: [{kind: ServiceAccount, name: sa, namespace: x}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: everykind}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: everykind}, value: 10}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: everykind}, provisioner: none}
---
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: everykind}, spec: {controller: example.com/c}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.every.example.com}
spec:
  group: every.example.com
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, properties: {
      spec: {type: object, properties: {size: {type: number}, color: {type: string, default: red}, ports: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [port], items: {type: object, required: [port], properties: {port: {type: integer}, name: {type: string}}}}}},
      status: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}
---
{apiVersion: every.example.com/v1, kind: Widget, metadata: {name: w}, spec: {size: 1.0, ports: [{port: 2, name: b}, {port: 1, name: a}]}}
`

// What the watch brings after an apply digests as the answer to it, whatever
// the server and its controllers add; so does, after a restart, the listing,
// against a dry run.
func TestNoFalseDrift(t *testing.T) {
	w := newWorld(t)
	set := w.git(everyKind)
	w.sync(set)
	healthy := func() bool {
		for key, live := range w.Snapshot(w.app, set) {
			if key.Kind == "Deployment" && !live.Health.Settled() {
				return false
			}
		}
		return true
	}
	w.await("the rollout", healthy)
	w.caughtUp(set)
	if got := w.verdicts(set); got != "" {
		t.Errorf("nobody changed anything, and it says\n%s", got)
	}

	t.Run("after a restart", func(t *testing.T) {
		w.connect()
		for _, o := range set {
			if err := w.Watch(w.ctx, o.GVK()); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range w.Snapshot(w.app, set) {
			if c.Digest == "" {
				t.Errorf("%s has no digest", c.Key)
			}
		}
		if len(w.Snapshot(w.app, nil)) != len(set) {
			t.Errorf("%d of %d objects are known", len(w.Snapshot(w.app, nil)), len(set))
		}
		for key := range w.Snapshot(w.app, nil) {
			if set.Find(key) == nil {
				t.Errorf("%s is not ours", key)
			}
		}
		first := w.verdicts(set)
		for _, o := range set {
			if want := "same " + o.Key.String() + "*"; !strings.Contains(first, want) {
				t.Errorf("a dry run does not say %q:\n%s", want, first)
			}
		}
		if got := w.verdicts(set); got != "" {
			t.Errorf("it is asked again:\n%s", got)
		}
	})
}

// Each row edits one object as another manager and says what Compare finds; a
// star if a dry run had to tell.
func TestEdits(t *testing.T) {
	const (
		configMap  = `{apiVersion: v1, kind: ConfigMap, metadata: {name: x, annotations: {note: a}}, data: {a: "1", b: "2"}}`
		secret     = `{apiVersion: v1, kind: Secret, metadata: {name: x}, stringData: {a: "1"}}`
		deployment = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: 1, strategy: {}, selector: {matchLabels: {app: x}},
			template: {metadata: {labels: {app: x}}, spec: {containers: [{name: a, image: "a:1", env: [{name: A, value: "1"}]}]}}}}`
		service = `{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {app: x}, ports: [{name: http, port: 80}]}}`
		role    = `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: x}, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}`
	)
	for _, tt := range []struct{ name, git, patch, subresource, want string }{
		{"data", configMap, `{data: {a: "9"}}`, "", "drift ConfigMap ns/x*"},
		{"data removed", configMap, `{data: {a: null}}`, "", "drift ConfigMap ns/x*"},
		{"data added", configMap, `{data: {c: "3"}}`, "", ""},
		{"label added", configMap, `{metadata: {labels: {team: a}}}`, "", ""},
		{"annotation of ours", configMap, `{metadata: {annotations: {note: b}}}`, "", "drift ConfigMap ns/x*"},
		{"our label taken away", configMap, `{metadata: {labels: {tidelock.io/app: null}}}`, "", "drift ConfigMap ns/x*"},
		{"our label given to another", configMap, `{metadata: {labels: {tidelock.io/app: other}}}`, "", "drift ConfigMap ns/x*"},
		{"tracking id taken away", configMap, `{metadata: {annotations: {argocd.argoproj.io/tracking-id: null}}}`, "", "drift ConfigMap ns/x*"},
		{"tracking id given to another", configMap, `{metadata: {annotations: {argocd.argoproj.io/tracking-id: "other:/ConfigMap:ns/x"}}}`, "", "foreign ConfigMap ns/x"},
		{"a finalizer added", configMap, `{metadata: {finalizers: [example.com/f]}}`, "", ""},
		{"secret", secret, `{data: {a: Mg==}}`, "", "drift Secret ns/x*"},
		{"secret, a key added", secret, `{data: {b: Mg==}}`, "", ""},
		{"scaled", deployment, `{spec: {replicas: 3}}`, "scale", "drift apps/Deployment ns/x*"},
		{"status", deployment, `{status: {conditions: [{type: Odd, status: "True"}]}}`, "status", ""},
		{"image", deployment, `[{op: replace, path: /spec/template/spec/containers/0/image, value: "a:2"}]`, "", "drift apps/Deployment ns/x*"},
		{"variable added", deployment, `[{op: add, path: /spec/template/spec/containers/0/env/-, value: {name: B, value: "2"}}]`, "", ""},
		{"container added in front", deployment, `[{op: add, path: /spec/template/spec/containers/0, value: {name: b, image: b}}]`, "", ""},
		{"a default inside what we own", deployment, `{spec: {strategy: {rollingUpdate: {maxSurge: 2}}}}`, "", "same apps/Deployment ns/x*"},
		{"restarted", deployment, `{spec: {template: {metadata: {annotations: {kubectl.kubernetes.io/restartedAt: now}}}}}`, "", ""},
		{"target port", service, `[{op: replace, path: /spec/ports/0/targetPort, value: 99}]`, "", ""},
		{"name of a port", service, `[{op: replace, path: /spec/ports/0/name, value: web}]`, "", "drift Service ns/x*"},
		{"an atomic map", service, `{spec: {selector: {app: z}}}`, "", "drift Service ns/x*"},
		{"an atomic list", role, `{rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]}`, "", "drift rbac.authorization.k8s.io/Role ns/x*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			set := w.git(tt.git)
			w.sync(set)
			w.caughtUp(set)
			before := w.drifts()
			var sub []string
			if tt.subresource != "" {
				sub = append(sub, tt.subresource)
			}
			w.edit(set[0], strings.ReplaceAll(tt.patch, "ns/", w.namespace+"/"), sub...)
			w.caughtUp(set)
			want := strings.ReplaceAll(tt.want, "ns/", w.namespace+"/")
			if got := w.verdicts(set); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if told := w.drifts() > before; told != (want != "") {
				t.Errorf("the application was told of drift: %v", told)
			}
			want = strings.TrimSuffix(want, "*")
			if strings.HasPrefix(want, "same") {
				want = ""
			}
			if got := w.verdicts(set); got != want {
				t.Errorf("asked again: %q", got)
			}
		})
	}
}

// An apply after drift makes all well, and the same drift shows again.
func TestDriftComesAndGoes(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "1"}}`)
	w.sync(set)
	for range 2 {
		w.edit(set[0], `{data: {a: "2"}}`)
		w.caughtUp(set)
		if got, want := w.verdicts(set), "drift ConfigMap "+w.namespace+"/x*"; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		w.Accept(set[0], w.send(set[0]))
		if got := w.verdicts(set); got != "" {
			t.Fatalf("after an apply: %q", got)
		}
	}
	changed := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: "3"}}`)
	if got, want := w.verdicts(changed), "update ConfigMap "+w.namespace+"/x*"; got != want {
		t.Errorf("Git has changed: got %q, want %q", got, want)
	}
}

// An object whose last change took our label from it leaves the watch as if it
// were deleted. It is drift while Git states it, and not ours to prune after.
func TestRule7LabelRemovedIsNoDeletion(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`)
	w.sync(set)
	w.edit(set[0], `{metadata: {labels: null}}`)
	w.await("the record", func() bool {
		live := w.Snapshot(w.app, set)[set[0].Key]
		return live != nil && live.App == ""
	})
	if len(w.Snapshot(w.app, nil)) != 0 {
		t.Error("an object without our label is pruned once Git drops it")
	}
	if err := w.resource(set[0]).Delete(w.ctx, "x", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.Accept(set[0], w.send(set[0])) // as self-heal does: it comes into being anew
	if got := w.verdicts(set); got != "" {
		t.Errorf("after an apply: %q", got)
	}
}

func TestRule8Deletion(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x, finalizers: [example.com/f]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: w}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}`)
	w.sync(set)
	for _, o := range set {
		if err := w.resource(o).Delete(w.ctx, o.Key.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	verdict := func(want string) func() bool {
		return func() bool { return w.verdicts(set) == want }
	}
	ns := w.namespace
	w.await("two to be created", verdict("create ConfigMap "+ns+"/w\ncreate ConfigMap "+ns+"/z"))
	if live := w.Snapshot(w.app, set)[set[0].Key]; !live.Deleting {
		t.Error("an object that waits for its finalizer does not show that it is being deleted")
	}
	w.edit(set[0], `{metadata: {finalizers: null}}`)
	w.await("all to be created", verdict("create ConfigMap "+ns+"/x\ncreate ConfigMap "+ns+"/w\ncreate ConfigMap "+ns+"/z"))
	if n := len(w.Snapshot(w.app, set)); n != 0 {
		t.Errorf("%d records of objects that are gone", n)
	}
}

// Objects that copy our marks from others are not ours (DRIFT.md rule 9).
func TestRule9ChildrenAreNotOurs(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}`)
	w.sync(set)
	copies := `{apiVersion: v1, kind: ConfigMap, metadata: {name: copy, labels: {tidelock.io/app: ` + w.app + `}, annotations: {argocd.argoproj.io/tracking-id: "` +
		w.app + `:/ConfigMap:` + w.namespace + `/x"}}}`
	child := w.git(copies)[0]
	child, err := child.Edit(func(body map[string]any) {
		meta := body["metadata"].(map[string]any)
		meta["annotations"] = map[string]any{"argocd.argoproj.io/tracking-id": w.app + ":/ConfigMap:" + w.namespace + "/x"}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.send(child)
	last := w.git(`{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}`)
	w.send(last[0])
	w.await("an object that comes later", func() bool { return w.Snapshot(w.app, nil)[last[0].Key] != nil })
	if w.Snapshot(w.app, nil)[child.Key] != nil {
		t.Error("a copy of our marks makes an object ours")
	}
}

// An HPA that Git states in v1 and then in v2 digests in the version of Git
// (DRIFT.md rule 6).
func TestRule6VersionChangesInGit(t *testing.T) {
	w := newWorld(t)
	v1 := w.git(`{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {maxReplicas: 3, targetCPUUtilizationPercentage: 50, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}}}`)
	w.sync(v1)
	w.caughtUp(v1)
	if got := w.verdicts(v1); got != "" {
		t.Fatalf("v1: %q", got)
	}
	v2 := w.git(`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x},
		metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}}`)
	if err := w.Watch(w.ctx, v2[0].GVK()); err != nil {
		t.Fatal(err)
	}
	if got, want := w.verdicts(v2), "update autoscaling/HorizontalPodAutoscaler "+w.namespace+"/x*"; got != want {
		t.Errorf("Git states v2: got %q, want %q", got, want)
	}
	w.Accept(v2[0], w.send(v2[0]))
	w.caughtUp(v2)
	if got := w.verdicts(v2); got != "" {
		t.Errorf("v2: %q", got)
	}
	w.edit(v2[0], `{spec: {maxReplicas: 4}}`)
	w.caughtUp(v2)
	if got, want := w.verdicts(v2), "drift autoscaling/HorizontalPodAutoscaler "+w.namespace+"/x*"; got != want {
		t.Errorf("after an edit: got %q, want %q", got, want)
	}
}

// When a kind goes, its watch ends and its records go; when it comes back, it is
// followed anew.
func TestKindComesAndGoes(t *testing.T) {
	w := newWorld(t)
	set := w.git(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gadgets.go.example.com}, spec: {group: go.example.com, scope: Namespaced,
		names: {kind: Gadget, plural: gadgets}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}
---
{apiVersion: go.example.com/v1, kind: Gadget, metadata: {name: x}, spec: {a: 1}}`)
	for range 2 {
		w.sync(set)
		w.caughtUp(set)
		if got := w.verdicts(set); got != "" {
			t.Fatalf("synced: %q", got)
		}
		if err := w.resource(set[0]).Delete(w.ctx, set[0].Key.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.await("the end of the watch", func() bool {
			return w.watching(feed{gvk: set[1].GVK()}) == nil && len(w.Snapshot(w.app, set)) == 0
		})
	}
}

// A kind that cannot be listed is an error that says so, not a wait for ever.
func TestListingRefused(t *testing.T) {
	w := newWorld(t)
	cfg := *env.Config
	cfg.Impersonate.UserName = "nobody"
	cfg.Impersonate.Groups = []string{"system:authenticated"}
	w.connectBy(&cfg)
	err := w.Watch(w.ctx, w.git(`{apiVersion: v1, kind: Secret, metadata: {name: x}}`)[0].GVK())
	if err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("error %v, want that it is forbidden", err)
	}
}

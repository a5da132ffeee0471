package diff

import (
	"fmt"
	"strings"
	"testing"
)

// clientSide is a Deployment as Argo CD makes one by a client-side apply: what admission
// and defaults have made of it is Argo CD's, too, in managedFields.
const clientSide = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
  annotations:
    argocd.argoproj.io/tracking-id: shop:apps/Deployment:shop/web
    deployment.kubernetes.io/revision: "1"
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"argocd.argoproj.io/tracking-id":"shop:apps/Deployment:shop/web"},"labels":{"app":"web"},"name":"web"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"args":["a"],"image":"web:1","name":"web","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1000m"}},"env":[{"name":"OLD","value":"x"}]}]}}}}
  managedFields:
  - manager: argocd-controller
    operation: Update
    apiVersion: apps/v1
    fieldsV1:
      f:metadata: {f:labels: {.: {}, f:app: {}}, f:annotations: {.: {}, f:argocd.argoproj.io/tracking-id: {}, f:kubectl.kubernetes.io/last-applied-configuration: {}}}
      f:spec:
        f:replicas: {}
        f:strategy: {f:type: {}}
        f:template: {f:metadata: {f:labels: {.: {}, f:app: {}}}, f:spec: {f:dnsPolicy: {}, f:containers: {'k:{"name":"web"}': {
          .: {}, f:name: {}, f:image: {}, f:args: {}, f:imagePullPolicy: {}, f:resources: {.: {}, f:limits: {.: {}, f:cpu: {}}},
          f:env: {.: {}, 'k:{"name":"OLD"}': {.: {}, f:name: {}, f:value: {}}},
          f:ports: {.: {}, 'k:{"containerPort":80,"protocol":"TCP"}': {.: {}, f:containerPort: {}, f:protocol: {}}}}}}}
  - manager: kube-controller-manager
    operation: Update
    subresource: status
    apiVersion: apps/v1
    fieldsV1: {f:status: {f:replicas: {}}}
spec:
  replicas: 2
  strategy: {type: RollingUpdate}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      dnsPolicy: ClusterFirst
      containers:
      - {name: web, image: "web:1", args: [a], imagePullPolicy: IfNotPresent, resources: {limits: {cpu: "1"}}, ports: [{containerPort: 80, protocol: TCP}], env: [{name: OLD, value: x}]}
status: {replicas: 2}
`

// serverSide is a Service as Argo CD makes one by a server-side apply, with a port that
// somebody else has added.
const serverSide = `
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {argocd.argoproj.io/tracking-id: "shop:/Service:shop/web", example.com/old: gone}
  finalizers: [theirs, ours]
  managedFields:
  - manager: argocd-controller
    operation: Apply
    apiVersion: v1
    fieldsV1:
      f:metadata: {f:annotations: {f:argocd.argoproj.io/tracking-id: {}, f:example.com/old: {}}, f:finalizers: {'v:"ours"': {}}}
      f:spec: {f:selector: {}, f:ports: {'k:{"port":80,"protocol":"TCP"}': {.: {}, f:port: {}, f:name: {}}}}
  - manager: kubectl-edit
    operation: Update
    apiVersion: v1
    fieldsV1: {f:metadata: {f:finalizers: {'v:"theirs"': {}}}, f:spec: {f:ports: {'k:{"port":81,"protocol":"TCP"}': {.: {}, f:port: {}, f:name: {}}}}}
spec:
  clusterIP: 10.0.0.1
  selector: {app: web, tier: front}
  ports: [{name: http, port: 80, protocol: TCP, targetPort: 80}, {name: more, port: 81, protocol: TCP, targetPort: 81}]
`

// whole is an object of a custom kind, with a list that is one whole, and defaults in it.
const whole = `
apiVersion: example.com/v1
kind: Pull
metadata:
  name: db
  managedFields:
  - {manager: argocd-controller, operation: Apply, apiVersion: example.com/v1, fieldsV1: {f:spec: {f:data: {}, f:ref: {}}}}
spec:
  data: [{key: a, decoding: None}, {key: b, decoding: None}]
  ref: {name: store, kind: Store}
`

func TestForetell(t *testing.T) {
	const web = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, labels: {app: web}, annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web"}}, spec: `
	const service = `{apiVersion: v1, kind: Service, metadata: {name: web, finalizers: [ours], annotations: {argocd.argoproj.io/tracking-id: "shop:/Service:shop/web", example.com/old: gone}}, spec: `
	const pull = `{apiVersion: example.com/v1, kind: Pull, metadata: {name: db}, spec: `
	for _, tt := range []struct{ name, live, desired, want string }{
		{"as it was applied", clientSide, web + `{replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}, creationTimestamp: null}, spec: {hostNetwork: false,
			containers: [{name: web, image: "web:1", args: [a], command: [], ports: [{containerPort: 80}], resources: {limits: {cpu: 1000m}, requests: {}}, env: [{name: OLD, value: x}]}]}}}, status: {replicas: 9}}`, ""},
		{"another image, and a variable that is gone", clientSide, web + `{replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {
			containers: [{name: web, image: "web:2", args: [a, b], ports: [{containerPort: 80}, {containerPort: 81}], resources: {limits: {cpu: 2}}, env: [{name: NEW, value: z}]}]}}}}`,
			`spec.template.spec.containers[name=web].args: live ["a"], desired ["a","b"]
spec.template.spec.containers[name=web].env[name=OLD]: live {"name":"OLD","value":"x"}, not desired
spec.template.spec.containers[name=web].env[name=NEW]: not there, desired {"name":"NEW","value":"z"}
spec.template.spec.containers[name=web].image: live "web:1", desired "web:2"
spec.template.spec.containers[name=web].ports[containerPort=81]: not there, desired {"containerPort":81}
spec.template.spec.containers[name=web].resources.limits.cpu: live "1", desired 2`},
		{"replicas are left to somebody else", clientSide, web + `{selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {
			containers: [{name: web, image: "web:1", args: [a], ports: [{containerPort: 80}], resources: {limits: {cpu: 1}}, env: [{name: OLD, value: x}]}]}}}}`,
			"spec.replicas: live 2, not desired"},
		{"a setting is turned on", clientSide, web + `{replicas: 0, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {hostNetwork: true,
			containers: [{name: web, image: "web:1", args: [a], ports: [{containerPort: 80}], resources: {limits: {cpu: 1}}, env: [{name: OLD, value: x}]}]}}}}`,
			"spec.replicas: live 2, desired 0\nspec.template.spec.hostNetwork: not there, desired true"},
		{"server-side, as it was applied", serverSide, service + `{selector: {tier: front, app: web}, ports: [{name: http, port: 80}]}}`, ""},
		{"server-side, with less", serverSide, `{apiVersion: v1, kind: Service, metadata: {name: web, annotations: {argocd.argoproj.io/tracking-id: "shop:/Service:shop/web"}}, spec: {selector: {app: web}, ports: [{name: web, port: 80}]}}`,
			`metadata.annotations["example.com/old"]: live "gone", not desired
metadata.finalizers: live ["theirs","ours"], desired ["theirs"]
spec.ports[port=80,protocol=TCP].name: live "http", desired "web"
spec.selector.tier: live "front", not desired`},
		{"server-side, another port", serverSide, service + `{selector: {tier: front, app: web}, ports: [{name: http, port: 8080}]}}`,
			`spec.ports[port=80,protocol=TCP]: live {"name":"http","port":80,"protocol":"TCP","targetPort":80}, not desired
spec.ports[port=8080]: not there, desired {"name":"http","port":8080}`},
		{"defaults within a whole", whole, pull + `{data: [{key: a}, {key: b}], ref: {name: store}}}`, ""},
		{"a whole in another order", whole, pull + `{data: [{key: b}, {key: a}], ref: {name: store, kind: ClusterStore}}}`,
			`spec.data[0].key: live "a", desired "b"
spec.data[1].key: live "b", desired "a"
spec.ref.kind: live "Store", desired "ClusterStore"`},
		{"a whole that is longer", whole, pull + `{data: [{key: a}, {key: b}, {key: c}], ref: {name: store}}}`,
			`spec.data: live [{"decoding":"None","key":"a"},{"decoding":"None","key":"b"}], desired [{"key":"a"},{"key":"b"},{"key":"c"}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live, desired := decode(t, tt.live), decode(t, tt.desired)
			before := fmt.Sprint(live)
			answer := Foretell(live, desired)
			var lines []string
			for _, f := range Fields(answer, live) {
				f.Owner = Owner{}
				lines = append(lines, f.String())
			}
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if same := Content(nil, nil, answer) == Content(nil, nil, live); same != (tt.want == "") {
				t.Errorf("the same content: %v", same)
			}
			if fmt.Sprint(live) != before {
				t.Error("the live object was changed")
			}
			if again := Fields(Foretell(answer, desired), answer); len(again) > 0 {
				t.Errorf("a second apply would change %v", again)
			}
		})
	}
}

// TestForetellOrder: what Git has in another order goes back into it, and others' items
// keep their places if nothing of Git's has moved.
func TestForetellOrder(t *testing.T) {
	const live = `{apiVersion: v1, kind: Pod, metadata: {name: x, managedFields: [{manager: argocd-controller, operation: Apply, apiVersion: v1,
fieldsV1: {f:spec: {f:containers: {'k:{"name":"a"}': {.: {}, f:name: {}}, 'k:{"name":"b"}': {.: {}, f:name: {}}}}}}]}, spec: {containers: [{name: a}, {name: theirs}, {name: b}]}}`
	for desired, want := range map[string]string{
		"[{name: a}, {name: b}]": "a theirs b",
		"[{name: b}, {name: a}]": "b a theirs",
		"[{name: a}, {name: c}]": "a theirs c",
		"[{name: b}]":            "theirs b",
	} {
		answer := Foretell(decode(t, live), decode(t, "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: "+desired+"}}"))
		var names []string
		for _, item := range answer["spec"].(map[string]any)["containers"].([]any) {
			names = append(names, item.(map[string]any)["name"].(string))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %s, want %s", desired, got, want)
		}
	}
}

func TestContent(t *testing.T) {
	const base = `{apiVersion: v1, kind: ConfigMap, metadata: {name: x%s}, data: {a: "%s"}%s}`
	of := func(key, meta, value, rest string) string {
		return Content(nil, []byte(key), decode(t, fmt.Sprintf(base, meta, value, rest)))
	}
	if of("k", "", "1", "") != of("k", `, resourceVersion: "7", uid: u, generation: 2`, "1", ", status: {a: b}") {
		t.Error("what the server notes counts")
	}
	for name, other := range map[string]string{
		"data": of("k", "", "2", ""), "labels": of("k", ", labels: {a: b}", "1", ""), "key": of("l", "", "1", ""),
	} {
		if other == of("k", "", "1", "") {
			t.Errorf("%s does not count", name)
		}
	}
}

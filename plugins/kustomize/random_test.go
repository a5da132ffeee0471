package kustomize_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/plugins/pluginstest"
)

var (
	seeds = flag.Int("seeds", 40, "how many random overlays are compared with the binary")
	seed  = flag.Uint64("seed", 1, "the first one")
)

// TestRandom compares random overlays: bases upon bases, components, generators,
// patches, replacements and all the rest. What the binary refuses the plugin must
// refuse, and the other way round.
func TestRandom(t *testing.T) {
	b := newBinary(t)
	built := 0
	for i := range *seeds {
		n := *seed + uint64(i)
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			files := newMaker(n).overlay()
			archive := string(txtar.Format(&txtar.Archive{Files: files}))
			out, wantErr := b.run(b.write(files), "build", "overlay")
			got, gotErr := ours(pluginstest.ParseTree(archive), "overlay", "")
			if (wantErr != nil) != (gotErr != nil) {
				t.Fatalf("kustomize: %v\nplugin: %v\n%s", wantErr, gotErr, archive)
			}
			if wantErr != nil {
				t.Log(wantErr)
				return
			}
			built++
			want, err := objects(out)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-kustomize +plugin)\n%s\n%s", diff, archive)
			}
		})
	}
	if *seeds > 20 && built < *seeds*2/5 {
		t.Errorf("of %d overlays only %d can be built: the test tests little", *seeds, built)
	}
}

// A maker makes a random overlay and what it is built on.
type maker struct {
	*rand.Rand
	files []txtar.File
	names map[string][]string // of objects, by kind
	dirs  int
}

func newMaker(seed uint64) *maker {
	return &maker{Rand: rand.New(rand.NewPCG(seed, 0)), names: map[string][]string{}}
}

type object = map[string]any

func (m *maker) maybe() bool { return m.IntN(2) == 0 }

func pick[T any](m *maker, list ...T) T { return list[m.IntN(len(list))] }

func (m *maker) write(name string, content any) {
	text, err := yaml.Marshal(content)
	if err != nil {
		panic(err)
	}
	m.files = append(m.files, txtar.File{Name: name, Data: text})
}

// overlay makes one to three layers, the last of which is the overlay.
func (m *maker) overlay() []txtar.File {
	below := m.base()
	for range m.IntN(3) {
		m.dirs++
		dir := fmt.Sprintf("layer%d", m.dirs)
		below = m.layer(dir, below)
	}
	m.layer("overlay", below)
	return m.files
}

// base makes a directory of objects.
func (m *maker) base() string {
	m.dirs++
	dir := fmt.Sprintf("base%d", m.dirs)
	k := object{}
	var resources []string
	for i := range 1 + m.IntN(3) {
		file := fmt.Sprintf("%c.yaml", 'a'+i)
		var text []string
		for range 1 + m.IntN(3) {
			data, err := yaml.Marshal(m.object())
			if err != nil {
				panic(err)
			}
			text = append(text, string(data))
		}
		m.files = append(m.files, txtar.File{Name: path.Join(dir, file), Data: []byte(strings.Join(text, "---\n"))})
		resources = append(resources, file)
	}
	k["resources"] = resources
	m.generate(dir, k, "create")
	m.transform(k)
	m.write(path.Join(dir, pick(m, "kustomization.yaml", "kustomization.yml", "Kustomization")), k)
	return dir
}

func (m *maker) layer(dir, below string) string {
	k := object{"resources": []string{"../" + below}}
	if m.IntN(4) == 0 {
		m.write(path.Join(dir, "own.yaml"), m.object())
		k["resources"] = append([]string{"own.yaml"}, k["resources"].([]string)...)
	}
	if m.maybe() {
		m.dirs++
		component := fmt.Sprintf("component%d", m.dirs)
		c := object{"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
		m.generate(component, c, pick(m, "create", "merge"))
		m.transform(c)
		m.patch(component, c)
		m.write(path.Join(component, "kustomization.yaml"), c)
		k["components"] = []string{"../" + component}
	}
	m.generate(dir, k, pick(m, "create", "merge", "replace"))
	m.transform(k)
	m.patch(dir, k)
	m.replace(k)
	if m.IntN(5) == 0 {
		k["sortOptions"] = object{"order": pick(m, "fifo", "legacy")}
	}
	if m.IntN(5) == 0 {
		k["buildMetadata"] = []string{pick(m, "originAnnotations", "transformerAnnotations")}
	}
	m.write(path.Join(dir, "kustomization.yaml"), k)
	return dir
}

func (m *maker) named(kind string) object {
	name := fmt.Sprintf("%s%d", strings.ToLower(kind[:3]), len(m.names[kind]))
	m.names[kind] = append(m.names[kind], name)
	meta := object{"name": name}
	if m.IntN(4) == 0 {
		meta["labels"] = object{"tier": pick(m, "front", "back")}
	}
	if m.IntN(6) == 0 {
		meta["namespace"] = pick(m, "one", "two")
	}
	return meta
}

// some returns the name of an object of a kind, made or not.
func (m *maker) some(kind string) string {
	if names := m.names[kind]; len(names) > 0 && m.IntN(8) > 0 {
		return pick(m, names...)
	}
	return strings.ToLower(kind)
}

func (m *maker) object() object {
	switch kind := pick(m, "Deployment", "Deployment", "StatefulSet", "CronJob", "Service", "ConfigMap", "Secret", "ServiceAccount", "RoleBinding", "Ingress", "Thing"); kind {
	case "Deployment", "StatefulSet":
		meta := m.named(kind)
		labels := object{"app": meta["name"]}
		return object{"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": object{
			"replicas": m.IntN(5), "selector": object{"matchLabels": labels},
			"template": object{"metadata": object{"labels": labels}, "spec": m.pod()},
		}}
	case "CronJob":
		return object{"apiVersion": "batch/v1", "kind": kind, "metadata": m.named(kind), "spec": object{
			"schedule": "@daily", "jobTemplate": object{"spec": object{"template": object{"spec": m.pod()}}},
		}}
	case "Service":
		return object{"apiVersion": "v1", "kind": kind, "metadata": m.named(kind), "spec": object{
			"selector": object{"app": m.some("Deployment")}, "ports": []object{{"port": 80 + m.IntN(3), "name": "http"}},
		}}
	case "ConfigMap":
		return object{"apiVersion": "v1", "kind": kind, "metadata": m.named(kind), "data": object{"a": pick(m, "1", "true", "x: y", "two\nlines\n", ""), "host": "example.com"}}
	case "Secret":
		return object{"apiVersion": "v1", "kind": kind, "metadata": m.named(kind), "data": object{"a": "YQ=="}}
	case "RoleBinding":
		return object{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": m.named(kind),
			"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
			"subjects": []object{{"kind": "ServiceAccount", "name": m.some("ServiceAccount"), "namespace": pick(m, "one", "default")}},
		}
	case "Ingress":
		return object{"apiVersion": "networking.k8s.io/v1", "kind": kind, "metadata": m.named(kind), "spec": object{
			"tls": []object{{"secretName": m.some("Secret")}},
			"rules": []object{{"http": object{"paths": []object{{"path": "/", "pathType": "Prefix", "backend": object{
				"service": object{"name": m.some("Service"), "port": object{"number": 80}},
			}}}}}},
		}}
	case "ServiceAccount":
		return object{"apiVersion": "v1", "kind": kind, "metadata": m.named(kind)}
	}
	return object{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": m.named("Thing"), "spec": object{
		"url": "https://host/path", "list": []any{1, "two", 3.5, nil, true}, "deep": object{"value": "x"},
	}}
}

func (m *maker) pod() object {
	var containers []object
	for i := range 1 + m.IntN(2) {
		c := object{"name": fmt.Sprintf("c%d", i), "image": pick(m, "web", "web:1", "registry:5000/log:2", "web@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3")}
		if m.maybe() {
			c["envFrom"] = []object{{"configMapRef": object{"name": pick(m, "gen0", m.some("ConfigMap"))}}}
		}
		if m.maybe() {
			c["env"] = []object{{"name": "A", "value": "1"}, {"name": "B", "valueFrom": object{"secretKeyRef": object{"name": pick(m, "sec0", m.some("Secret")), "key": "a"}}}}
		}
		containers = append(containers, c)
	}
	return object{"containers": containers, "serviceAccountName": m.some("ServiceAccount")}
}

// generate adds generators; a merge may have nothing to merge with.
func (m *maker) generate(dir string, k object, behavior string) {
	if m.maybe() {
		return
	}
	g := object{"name": "gen0", "literals": []string{fmt.Sprintf("k%d=v%d", m.IntN(3), m.IntN(9))}}
	if _, made := m.names["gen0"]; made == (behavior == "create") {
		if m.IntN(10) > 0 {
			return
		}
	}
	m.names["gen0"] = []string{"gen0"}
	if behavior != "create" {
		g["behavior"] = behavior
	}
	if m.maybe() {
		m.files = append(m.files, txtar.File{Name: path.Join(dir, "gen.env"), Data: []byte("E=1\n# no\nF=two words\n")})
		g["envs"] = []string{"gen.env"}
	}
	if m.IntN(3) == 0 {
		g["options"] = object{"disableNameSuffixHash": m.maybe(), "labels": object{"gen": "yes"}, "annotations": object{"a": "b"}}
	}
	k["configMapGenerator"] = []object{g}
	if behavior == "create" {
		k["secretGenerator"] = []object{{"name": "sec0", "literals": []string{"a=b"}, "type": "Opaque"}}
	}
	if m.IntN(4) == 0 {
		k["generatorOptions"] = object{"disableNameSuffixHash": m.maybe(), "immutable": true}
	}
}

func (m *maker) transform(k object) {
	for _, field := range []string{"namePrefix", "nameSuffix", "namespace"} {
		if m.IntN(4) == 0 {
			k[field] = map[string]string{"namePrefix": pick(m, "p-", "q-"), "nameSuffix": "-s", "namespace": pick(m, "one", "three")}[field]
		}
	}
	if m.IntN(4) == 0 {
		k["commonLabels"] = object{"team": pick(m, "a", "b")}
	}
	if m.IntN(4) == 0 {
		k["commonAnnotations"] = object{"note": pick(m, "a", "b: c", "1")}
	}
	if m.IntN(4) == 0 {
		// Not includeTemplates for StatefulSets: v5.8.2 leaves their claims alone.
		k["labels"] = []object{{"pairs": object{"l": "1"}, "includeSelectors": m.maybe()}, {"pairs": object{"t": "2"}, "includeTemplates": true}}
	}
	if m.IntN(3) == 0 {
		k["images"] = []object{{"name": pick(m, "web", "registry:5000/log"), "newTag": fmt.Sprint(m.IntN(9))}, {"name": "other", "newName": "x"}}
	}
	if m.IntN(4) == 0 && len(m.names["Deployment"]) > 0 {
		k["replicas"] = []object{{"name": pick(m, m.names["Deployment"]...), "count": m.IntN(9)}}
	}
}

// patch adds patches; some have no target.
func (m *maker) patch(dir string, k object) {
	var patches []object
	if names := m.names["Deployment"]; len(names) > 0 && m.maybe() {
		p := object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": pick(m, names...)}, "spec": object{
			"template": object{"spec": object{"containers": []object{{"name": pick(m, "c0", "side"), "image": "patched", "env": []object{{"name": "A", "value": "9"}}}}}},
		}}
		m.write(path.Join(dir, "patch.yaml"), p)
		patches = append(patches, object{"path": "patch.yaml"})
	}
	if m.maybe() {
		patches = append(patches, object{
			"target": object{"kind": pick(m, "ConfigMap", "Deployment", "Service", "Thing")},
			"patch":  `[{"op": "add", "path": "/metadata/annotations", "value": {"json": "yes"}}]`,
		})
	}
	if m.IntN(4) == 0 {
		patches = append(patches, object{
			"target": object{"labelSelector": "tier=front"},
			"patch":  pick(m, "$patch: delete\nkind: x\nmetadata: {name: y}\n", "apiVersion: v1\nkind: x\nmetadata: {name: y, labels: {patched: \"yes\"}}\n"),
		})
	}
	if len(patches) > 0 {
		k["patches"] = patches
	}
}

func (m *maker) replace(k object) {
	if len(m.names["ConfigMap"]) == 0 || len(m.names["Thing"]) == 0 || m.maybe() {
		return
	}
	k["replacements"] = []object{{
		"source":  object{"kind": "ConfigMap", "name": pick(m, m.names["ConfigMap"]...), "fieldPath": pick(m, "data.host", "metadata.name")},
		"targets": []object{{"select": object{"kind": "Thing"}, "fieldPaths": []string{"spec.url"}, "options": object{"delimiter": "/", "index": 2}}, {"select": object{"kind": "Thing"}, "fieldPaths": []string{pick(m, "spec.deep.value", "spec.new")}, "options": object{"create": m.maybe()}}},
	}}
}

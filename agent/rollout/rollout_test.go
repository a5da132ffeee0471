package rollout

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
)

var testKey = bytes.Repeat([]byte("k"), 32)

func parseSet(t *testing.T, text string) manifest.Set {
	t.Helper()
	set, err := manifest.Parse([]byte(text), manifest.Origin{File: "all.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// web is a Deployment with a pod spec, in one line of YAML.
func web(annotations, pod string) string {
	return "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop, annotations: {" + annotations + "}}\nspec: {template: {spec: {" + pod + "}}}\n"
}

const (
	onSecrets = "tidelock.io/rollout-on: secrets"
	onBoth    = "tidelock.io/rollout-on: 'secrets, configmaps'"
	db        = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: hunter2, user: shop}\n"
	config    = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: shop}\ndata: {a: '1'}\nbinaryData: {b: aGk=}\n"
)

// marks are those of all workloads of a set, one a line.
func marks(t *testing.T, text string, on On, live map[manifest.Key]Data) string {
	t.Helper()
	set := parseSet(t, text)
	workloads, mistakes := Workloads(set, on)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	owned := NewOwned(set)
	var all []string
	for _, w := range workloads {
		all = append(all, w.Object.Key.Kind+" "+owned.Mark(testKey, w, live, ""))
	}
	return strings.Join(all, "\n")
}

// undigested has an asterisk in the place of each digest.
func undigested(text string) string {
	return regexp.MustCompile(`=[0-9a-f]{16}\b`).ReplaceAllString(text, "=*")
}

func TestWhatPodsUse(t *testing.T) {
	for name, c := range map[string]struct{ pod, want string }{
		"nothing":       {"containers: [{name: a}]", "Deployment "},
		"env":           {"containers: [{name: a, env: [{name: P, valueFrom: {secretKeyRef: {name: db, key: password}}}]}]", "Deployment Secret/db=*"},
		"env of init":   {"initContainers: [{name: a, env: [{name: P, valueFrom: {secretKeyRef: {name: db, key: password}}}]}]", "Deployment Secret/db=*"},
		"envFrom":       {"containers: [{name: a, envFrom: [{secretRef: {name: db}}]}]", "Deployment Secret/db=*"},
		"volume":        {"volumes: [{name: v, secret: {secretName: db}}]", "Deployment Secret/db=*"},
		"projected":     {"volumes: [{name: v, projected: {sources: [{secret: {name: db}}, {configMap: {name: config}}]}}]", "Deployment ConfigMap/config=* Secret/db=*"},
		"pull secret":   {"imagePullSecrets: [{name: db}]", "Deployment Secret/db=*"},
		"driver":        {"volumes: [{name: v, csi: {driver: x, nodePublishSecretRef: {name: db}}}]", "Deployment Secret/db=*"},
		"config":        {"containers: [{name: a, envFrom: [{configMapRef: {name: config}}]}]", "Deployment ConfigMap/config=*"},
		"config key":    {"containers: [{name: a, env: [{name: P, valueFrom: {configMapKeyRef: {name: config, key: a}}}]}]", "Deployment ConfigMap/config=*"},
		"config volume": {"volumes: [{name: v, configMap: {name: config, items: [{key: a, path: a}]}}]", "Deployment ConfigMap/config=*"},
		"another's":     {"containers: [{name: a, envFrom: [{secretRef: {name: elsewhere}}]}]", "Deployment "},
		"not there yet": {"imagePullSecrets: [{name: ''}]", "Deployment "},
	} {
		t.Run(name, func(t *testing.T) {
			if got := undigested(marks(t, db+config+web(onBoth, c.pod), On{}, nil)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhoOptsIn(t *testing.T) {
	const pod = "containers: [{name: a, envFrom: [{secretRef: {name: db}}, {configMapRef: {name: config}}]}]"
	job := strings.NewReplacer("apps/v1", "batch/v1", "Deployment", "Job").Replace(web(onSecrets, pod))
	stateful := strings.ReplaceAll(web("", pod), "Deployment", "StatefulSet")
	for name, c := range map[string]struct {
		text string
		on   On
		want string
	}{
		"nobody":                  {web("", pod), On{}, ""},
		"the workload":            {web(onSecrets, pod), On{}, "Deployment Secret/db=*"},
		"the Application":         {web("", pod), On{Secrets: true}, "Deployment Secret/db=*"},
		"the workload says none":  {web("tidelock.io/rollout-on: none", pod), On{Secrets: true}, ""},
		"the workload says more":  {web(onBoth, pod), On{Secrets: true}, "Deployment ConfigMap/config=* Secret/db=*"},
		"config maps only":        {web("tidelock.io/rollout-on: configmaps", pod), On{}, "Deployment ConfigMap/config=*"},
		"what has no rollout":     {job, On{Secrets: true}, ""},
		"two kinds":               {web("", pod) + stateful, On{Secrets: true}, "Deployment Secret/db=*\nStatefulSet Secret/db=*"},
		"another namespace's own": {strings.Replace(web(onSecrets, pod), "namespace: shop", "namespace: other", 1), On{}, "Deployment "},
	} {
		t.Run(name, func(t *testing.T) {
			if got := undigested(marks(t, db+config+c.text, c.on, nil)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for annotation, want := range map[string]string{
		"tidelock.io/rollout-on: secret":          `"secret" is none of secrets, configmaps and none`,
		"tidelock.io/rollout-on: 'secrets, none'": "none stands alone",
		"tidelock.io/rollout-on: ''":              `"" is none of`,
		"tidelock.io/rollout-on: 'true'":          `"true" is none of`,
		onSecrets:                                 "",
	} {
		workloads, mistakes := Workloads(parseSet(t, web(annotation, "containers: []")), On{Secrets: true})
		switch {
		case want == "" && len(mistakes) > 0:
			t.Errorf("%s: %v", annotation, mistakes)
		case want != "" && (len(mistakes) != 1 || !strings.Contains(mistakes[0], want) || !strings.Contains(mistakes[0], "all.yaml:2: apps/Deployment shop/web")):
			t.Errorf("%s: %v, want %q", annotation, mistakes, want)
		case want != "" && len(workloads) > 0:
			t.Errorf("%s: it restarts all the same", annotation)
		}
	}
	_, mistakes := Workloads(parseSet(t, web(onSecrets, "containers: none")), On{})
	if len(mistakes) != 1 || !strings.Contains(mistakes[0], "what its pods use cannot be told") {
		t.Errorf("a malformed template: %v", mistakes)
	}
}

// TestMarkIsForever: digests must be the same in every version of the agent, or an
// upgrade restarts every workload. If this test fails, do not change what it wants.
func TestMarkIsForever(t *testing.T) {
	const pod = "containers: [{name: a, env: [{name: P, valueFrom: {secretKeyRef: {name: db, key: password}}}], envFrom: [{configMapRef: {name: config}}]}]"
	want := "Deployment ConfigMap/config=23f854291a3956a6 Secret/db=c1dac8f26c6dffd3"
	if got := marks(t, db+config+web(onBoth, pod), On{}, nil); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatChangesAMark(t *testing.T) {
	const byKey = "containers: [{name: a, env: [{name: P, valueFrom: {secretKeyRef: {name: db, key: password}}}]}]"
	const whole = "volumes: [{name: v, secret: {secretName: db}}]"
	const missing = "containers: [{name: a, env: [{name: P, valueFrom: {secretKeyRef: {name: db, key: token, optional: true}}}]}]"
	base := db + web(onSecrets, byKey)
	for name, c := range map[string]struct {
		before, after string
		changes       bool
	}{
		"the same again":         {base, base, false},
		"another order":          {base, web(onSecrets, byKey) + db, false},
		"data instead of text":   {base, strings.ReplaceAll(base, "stringData: {password: hunter2, user: shop}", "data: {password: aHVudGVyMg==, user: c2hvcA==}"), false},
		"a label of the Secret":  {base, strings.ReplaceAll(base, "metadata: {name: db,", "metadata: {labels: {a: b}, name: db,"), false},
		"another image":          {base, strings.ReplaceAll(base, "{name: a,", "{name: a, image: x,"), false},
		"the value":              {base, strings.ReplaceAll(base, "hunter2", "hunter3"), true},
		"a value that is unused": {base, strings.ReplaceAll(base, "user: shop", "user: other"), false},
		"a key more":             {db + web(onSecrets, whole), strings.ReplaceAll(db, "user:", "more: x, user:") + web(onSecrets, whole), true},
		"any value of the whole": {db + web(onSecrets, whole), strings.ReplaceAll(db, "user: shop", "user: other") + web(onSecrets, whole), true},
		"two values swapped":     {db + web(onSecrets, whole), strings.ReplaceAll(db, "{password: hunter2, user: shop}", "{password: shop, user: hunter2}") + web(onSecrets, whole), true},
		"a key that comes":       {db + web(onSecrets, missing), strings.ReplaceAll(db, "user:", "token: '', user:") + web(onSecrets, missing), true},
		"another workload":       {base, strings.ReplaceAll(base, "name: web", "name: shop"), true},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := marks(t, c.before, On{}, nil), marks(t, c.after, On{}, nil)
			if (before != after) != c.changes {
				t.Errorf("before %s\nafter  %s", before, after)
			}
		})
	}
}

// TestMade: what controllers make counts as far as it is known.
func TestMade(t *testing.T) {
	text := `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: from-vault, namespace: shop}
spec: {target: {name: db}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: nobody, namespace: shop}
spec: {target: {creationPolicy: None}}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: sealed, namespace: shop}
` + web(onSecrets, "containers: [{name: a, envFrom: [{secretRef: {name: db}}, {secretRef: {name: sealed}}, {secretRef: {name: nobody}}, {secretRef: {name: foreign}}]}]")
	set := parseSet(t, text)
	workloads, _ := Workloads(set, On{})
	var made []string
	for _, key := range NewOwned(set).Made(workloads) {
		made = append(made, key.String())
	}
	if got := strings.Join(made, ", "); got != "Secret shop/db, Secret shop/sealed" {
		t.Errorf("made: %s", got)
	}
	live := map[manifest.Key]Data{
		{Kind: "Secret", Namespace: "shop", Name: "db"}:      {"password": secrets.New([]byte("one"))},
		{Kind: "Secret", Namespace: "shop", Name: "foreign"}: {"password": secrets.New([]byte("one"))},
	}
	first := marks(t, text, On{}, live)
	if got := undigested(first); got != "Deployment Secret/db=*" {
		t.Errorf("mark: %s", got)
	}
	live[manifest.Key{Kind: "Secret", Namespace: "shop", Name: "db"}] = Data{"password": secrets.New([]byte("two"))}
	if marks(t, text, On{}, live) == first {
		t.Error("another value gives the same mark")
	}
}

func TestBecause(t *testing.T) {
	for _, c := range []struct{ live, wanted, want string }{
		{"", "", ""},
		{"Secret/db=1", "Secret/db=1", ""},
		{"Secret/db=1", "Secret/db=2", "restarts because Secret db changed"},
		{"Secret/a=1 Secret/db=1", "ConfigMap/c=1 Secret/db=2", "restarts because ConfigMap c is used now, Secret a is no longer used, Secret db changed"},
		{"", "Secret/db=2", "restarts because it follows Secret db from now on"},
		{"Secret/db=2", "", "restarts because it no longer follows Secret db"},
		{"\x1b[31mred", "Secret/db=2", "restarts because [31mred is no longer used, Secret db is used now"},
	} {
		if got := Because(c.live, c.wanted); got != c.want {
			t.Errorf("from %q to %q: %q, want %q", c.live, c.wanted, got, c.want)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	for _, text := range []string{web(onSecrets, "containers: []"), strings.Replace(web(onSecrets, "containers: []"), "template: {", "template: {metadata: {annotations: {a: b}}, ", 1)} {
		bare := parseSet(t, text)[0]
		marked, err := bare.Edit(func(body map[string]any) { Write(body, "Secret/db=1") })
		if err != nil {
			t.Fatal(err)
		}
		if Of(marked) != "Secret/db=1" || Of(bare) != "" || Of(nil) != "" {
			t.Errorf("marks: %q, %q", Of(marked), Of(bare))
		}
		if got := Without(marked); got.Hash() != bare.Hash() {
			t.Errorf("without the mark it is\n%s, not\n%s", got.JSON(), bare.JSON())
		}
	}
	if got := Read(map[string]any{"spec": "none", "metadata": map[string]any{"annotations": map[string]any{api.AnnotationRollout: "x"}}}); got != "" {
		t.Errorf("a mark elsewhere was read: %q", got)
	}
}

package render_test

import (
	"errors"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render"
)

const sealedApps = `
-- plain/cm.yaml --
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
-- sops/plain/s.yaml --
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {password: hunter2hunter2}
-- sops/json/s.json --
{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "j"}, "stringData": {"password": "hunter2hunter2"}}
-- overlay/kustomization.yaml --
resources: [s.yaml]
patches: [{path: patch.yaml}]
generatorOptions: {disableNameSuffixHash: true}
secretGenerator:
- {name: env, envs: [.env]}
- {name: files, files: [token.bin, config.ini]}
-- overlay/s.yaml --
apiVersion: v1
kind: Secret
metadata: {name: s}
-- sops/overlay/patch.yaml --
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {password: hunter2hunter2}
-- sops/overlay/.env --
PASSWORD=hunter2hunter2
-- sops/overlay/token.bin --
hunter2hunter2
-- sops/overlay/config.ini --
[db]
password = hunter2hunter2
`

func TestDecryptOnRead(t *testing.T) {
	w := newWorld(t, sealedApps)
	w.hold()
	w.check(w.rendered(api.Source{Path: "plain"}), "ConfigMap c @plain/cm.yaml:1\nSecret s @plain/s.yaml:1 map[password:hunter2hunter2]\n")
	w.check(w.rendered(api.Source{Path: "json"}), "Secret j @json/s.json:1 map[password:hunter2hunter2]\n")
	w.check(w.rendered(api.Source{Path: "overlay"}), `Secret env @overlay/kustomization.yaml:5 map[PASSWORD:hunter2hunter2]
Secret files @overlay/kustomization.yaml:6 map[config.ini:[db]
password = hunter2hunter2
 token.bin:hunter2hunter2
]
Secret s @overlay/s.yaml:1 map[password:hunter2hunter2]
`)
	w.quiet("", "hunter2hunter2", "aHVudGVyMmh1bnRlcjI", w.key.String())
}

func TestNoKey(t *testing.T) {
	w := newWorld(t, sealedApps)
	source := api.Source{Path: "plain"}
	to := w.key.Recipient().String()
	_, err := w.render(source)
	want := "plain/s.yaml: encrypted with SOPS for " + to + "; there are no keys; add the private key"
	if err == nil || !errors.Is(err, render.ErrNoKey) || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
		t.Errorf("\n got %v\nwant %s...", err, want)
	}
	// The same commit, once there is a key.
	w.hold()
	if _, err := w.render(source); err != nil {
		t.Errorf("with the key: %v", err)
	}
	// Another one does not open it, and what was opened before is not given.
	other := newWorld(t, "")
	other.hold()
	w.keys = other.keys
	want = "plain/s.yaml: encrypted with SOPS for " + to + "; none of these keys opens it: Secret argocd/sops-age, key demo.agekey (" + other.key.Recipient().String() + "); "
	if _, err = w.render(source); err == nil || !errors.Is(err, render.ErrNoKey) || err.Error()[:len(want)] != want {
		t.Errorf("\n got %v\nwant %s...", err, want)
	}
	w.quiet(err.Error(), "hunter2", w.key.String())
}

func TestKeysCountOnlyWhereUsed(t *testing.T) {
	w := newWorld(t, sealedApps)
	w.hold()
	source := api.Source{Path: "plain"}
	w.check(w.stats(func() { w.rendered(source) }), miss)
	w.keys[0].Name = "renamed"
	w.check(w.stats(func() { w.rendered(source) }), miss)
	w.check(w.stats(func() { w.rendered(source) }), hit)
}

// A file that was changed after it was encrypted does not pass.
func TestTampered(t *testing.T) {
	w := newWorld(t, "")
	w.hold()
	text := string(w.encrypt("s.yaml", []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2hunter2}\ntoken: x\n")))
	w.write("-- t/s.yaml --\n" + text + "extra: 1\n")
	_, err := w.render(api.Source{Path: "t"})
	if err == nil || errors.Is(err, render.ErrNoKey) {
		t.Fatalf("a tampered file gave %v", err)
	}
	w.quiet(err.Error(), "hunter2")
}

// A renderer's complaint may quote what it read.
func TestErrorsHideWhatWasDecrypted(t *testing.T) {
	w := newWorld(t, `
-- sops/a/s.yaml --
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: [hunter2hunter2]
-- b/kustomization.yaml --
resources: [s.yaml]
-- sops/b/s.yaml --
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: hunter2hunter2
-- c/kustomization.yaml --
resources: [s.yaml]
patches: [{path: p.yaml}]
-- c/s.yaml --
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {a: b}
-- sops/c/p.yaml --
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: [hunter2hunter2]
`)
	w.hold()
	for _, path := range []string{"a", "b", "c"} {
		_, err := w.render(api.Source{Path: path})
		if err == nil {
			t.Errorf("%s renders", path)
			continue
		}
		w.quiet(err.Error(), "hunter2")
		t.Log(err)
	}
}

func TestStillEncrypted(t *testing.T) {
	w := newWorld(t, "")
	w.hold()
	one := w.encrypt("s.json", []byte(`{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "j"}, "stringData": {"password": "hunter2hunter2"}}`))
	w.write("-- t/list.json --\n" + `{"apiVersion": "v1", "kind": "List", "items": [` + string(one) + "]}")
	w.check(w.rendered(api.Source{Path: "t"}), "error: t/list.json:1: an object is still encrypted with SOPS; render it from a file of its own, so that it is decrypted as it is read\n")
	// Flux's annotation leaves a file to somebody else.
	out := w.encrypt("o.yaml", []byte("apiVersion: v1\nkind: X\nmetadata:\n  name: o\n  annotations: {kustomize.toolkit.fluxcd.io/decrypt: disabled}\ntoken: hunter2hunter2\n"))
	w.write("-- o/o.yaml --\n" + string(out))
	w.check(w.rendered(api.Source{Path: "o"}), "X o @o/o.yaml:1\n")
}

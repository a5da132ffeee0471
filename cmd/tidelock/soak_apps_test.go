package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// soakObjects are what each Application of a soak states, in which %[1]s is the version.
const soakObjects = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {version: "%[1]s"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

// A soakApp is an Application of a soak, which is its own namespace, and what renders it
// or makes its Secret.
type soakApp struct {
	name, kind string
	secret     testenv.Canary // what Secret token holds by now, if it is of such a kind
}

// files are what it states at a version.
func (s *soak) files(t *testing.T, app *soakApp, version string) map[string]string {
	t.Helper()
	files := map[string]string{"objects.yaml": fmt.Sprintf(soakObjects, version)}
	switch app.kind {
	case "kustomize":
		files["kustomization.yaml"] = "resources: [objects.yaml]\n"
	case "helm":
		files["Chart.yaml"] = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
		files["values.yaml"] = fmt.Sprintf("version: %q\n", version)
		files["templates/objects.yaml"] = fmt.Sprintf(soakObjects, "{{ .Values.version }}")
		delete(files, "objects.yaml")
	case "sops":
		files["secret.yaml"] = s.encrypted(t, s.canary(app, version))
	case "sealed":
		cipher, err := s.keys.sealing.Seal("strict", app.name, "token", map[string][]byte{"token": []byte(s.canary(app, version))})
		if err != nil {
			t.Fatal(err)
		}
		files["secret.json"] = string(cipher)
	case "external":
		app.secret.Text = "version " + version // it stands in Git, so it is no secret
		files["secret.yaml"] = fmt.Sprintf(`apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: store}
spec: {provider: {fake: {data: [{key: token, value: %q}]}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: token}
spec: {refreshInterval: 1h, secretStoreRef: {name: store}, data: [{secretKey: token, remoteRef: {key: token}}]}
`, app.secret.Text)
	}
	return files
}

// canary is another secret, which nothing but a Secret may hold.
func (s *soak) canary(app *soakApp, version string) string {
	app.secret = testenv.NewCanary(app.name + " at version " + version)
	s.canaries = append(s.canaries, app.secret)
	return app.secret.Text
}

// encrypted is a Secret as SOPS writes it.
func (s *soak) encrypted(t *testing.T, text string) string {
	t.Helper()
	root := t.TempDir()
	rule := fmt.Sprintf("creation_rules: [{encrypted_regex: '^(data|stringData)$', age: %s}]\n", s.keys.sops.Recipient())
	if err := os.WriteFile(root+"/.sops.yaml", []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	cipher, err := testenv.EncryptSOPS(root, "secret.yaml", fmt.Appendf(nil, "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {token: %q}\n", text))
	if err != nil {
		t.Fatal(err)
	}
	return string(cipher)
}

// push commits another version of all, and tells the agent.
func (s *soak) push(ctx context.Context, t *testing.T) {
	t.Helper()
	s.version++
	for _, app := range s.apps {
		for name, text := range s.files(t, app, strconv.Itoa(s.version)) {
			if err := s.repo.Write(app.name+"/"+name, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var err error
	if s.commit, err = s.repo.Push(ctx, fmt.Sprint("version ", s.version)); err != nil {
		t.Fatal(err)
	}
	if err := s.repo.Announce(ctx, s.agent.Webhook()); err != nil {
		t.Fatal(err)
	}
}

// The kinds that Applications of a soak state.
var (
	soakSettings = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	soakServices = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	soakSecrets  = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
)

// drift has somebody change something of each Application by hand, and delete something.
func (s *soak) drift(ctx context.Context, t *testing.T) {
	t.Helper()
	for i, app := range s.apps {
		var err error
		switch objects := s.cluster.Dynamic.Resource(soakSettings).Namespace(app.name); {
		case app.secret.Text != "":
			_, err = s.cluster.Dynamic.Resource(soakSecrets).Namespace(app.name).Patch(ctx, "token", types.MergePatchType, []byte(`{"data": {"token": "b3RoZXI="}}`), metav1.PatchOptions{})
		case i%2 == 0:
			_, err = objects.Patch(ctx, "settings", types.MergePatchType, []byte(`{"data": {"version": "by hand"}}`), metav1.PatchOptions{})
		default:
			err = objects.Delete(ctx, "settings", metav1.DeleteOptions{})
		}
		if err == nil {
			err = s.cluster.Dynamic.Resource(soakServices).Namespace(app.name).Delete(ctx, "web", metav1.DeleteOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) { // it may not be mended yet since the last time
			t.Fatal(err)
		}
	}
}

// settled waits until all is as the last commit says, whatever the status says.
func (s *soak) settled(ctx context.Context, t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(ctx, soakPatience, fmt.Errorf("not within %s", soakPatience))
	defer cancel()
	for _, app := range s.apps {
		if err := s.cluster.UntilApplication(ctx, soakNamespace, app.name, testenv.SyncedAt(s.commit)); err != nil {
			t.Fatal(err)
		}
		err := s.cluster.Until(ctx, soakSettings, app.name, "settings", valued(strconv.Itoa(s.version), "data", "version"))
		if err == nil {
			err = s.cluster.Until(ctx, soakServices, app.name, "web", testenv.Present)
		}
		if err == nil && app.secret.Text != "" {
			err = s.cluster.Until(ctx, soakSecrets, app.name, "token", valued(encoded(app.secret.Text), "data", "token"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// valued is met when a field has a value.
func valued(want string, path ...string) testenv.Condition {
	return func(o *unstructured.Unstructured) (bool, string) {
		if o == nil {
			return false, "absent"
		}
		value, _, _ := unstructured.NestedString(o.Object, path...)
		return value == want, "another value"
	}
}

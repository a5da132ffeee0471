package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// What becomes of a SealedSecret.
const (
	makes   = ""                         // a Secret
	refused = "is not managed by the Se" // a Secret is there that is not its
	closed  = "item \"password\": "      // it does not open
	fails   = "its template fails"
	fixed   = "a field cannot be changed"
)

// A sealedCase is a SealedSecret, made by kubeseal, in a namespace of its own.
type sealedCase struct {
	name string
	// scope is as kubeseal takes it; "" is strict.
	scope string
	// secret is merged into the Secret that is sealed, edit into the SealedSecret.
	secret, edit string
	// existing is merged into a Secret that is there before; "" if none is.
	existing string
	want     string
}

const wide = "sealedsecrets.bitnami.com/cluster-wide"

var sealedCases = []sealedCase{
	{name: "strict"},
	{name: "namespace-wide", scope: "namespace-wide"},
	{name: "cluster-wide", scope: "cluster-wide"},
	{name: "renamed", scope: "namespace-wide", edit: `{metadata: {name: db}, spec: {template: {metadata: {name: other}}}}`, secret: `{metadata: {name: other}}`},
	{name: "moved", scope: "cluster-wide", secret: `{metadata: {namespace: elsewhere}}`, edit: `{metadata: {namespace: c-moved}}`},
	{name: "both-scopes", scope: "cluster-wide", edit: `{metadata: {annotations: {sealedsecrets.bitnami.com/namespace-wide: "true"}}}`},
	{name: "scope-of-the-template", edit: `{spec: {template: {metadata: {annotations: {` + wide + `: "true"}}}}}`},
	{name: "wrong-scope", edit: `{metadata: {annotations: {` + wide + `: "true"}}}`, want: closed},
	{name: "wrong-name", secret: `{metadata: {name: other}}`, edit: `{metadata: {name: db}}`, want: closed},
	{name: "binary", secret: `{data: {password: /wD+AAo=, empty: ""}}`},
	{name: "labels", secret: `{metadata: {labels: {app: shop}, annotations: {note: "a\nb", sealedsecrets.bitnami.com/managed: "true"}}}`, edit: `{metadata: {labels: {not: copied}, annotations: {not: copied}}}`},
	{name: "type", secret: `{type: kubernetes.io/basic-auth, stringData: {username: ann}}`},
	{name: "immutable", secret: `{immutable: true}`},
	{name: "no-template", edit: `{spec: {template: null}}`},
	{name: "odd-template", edit: `{spec: {template: {metadata: {name: was, namespace: elsewhere, generateName: x-, unknown: y}}}}`},
	{name: "templates", edit: `{spec: {template: {data: {url: "postgres://{{ .user }}:{{ .password | upper }}@{{ .host }}", host: db, password: "not {{ .user }}", json: '{{ dict "a" .password | toJson }}', plain: "{"}}}}`},
	{name: "template-fails", edit: `{spec: {template: {data: {url: '{{ fail .password }}'}}}}`, want: fails},
	{name: "no-owner", secret: `{metadata: {annotations: {sealedsecrets.bitnami.com/skip-set-owner-references: "true"}}}`},
	{name: "unowned", existing: `{}`, want: refused},
	{name: "managed-immutable", existing: `{immutable: true, metadata: {annotations: {sealedsecrets.bitnami.com/managed: "true"}}}`, want: fixed},
	{name: "managed-of-another-type", existing: `{type: example.com/x, metadata: {annotations: {sealedsecrets.bitnami.com/managed: "true"}}}`, secret: `{type: example.com/y}`, want: fixed},
	{name: "not-quite", existing: `{metadata: {annotations: {sealedsecrets.bitnami.com/managed: "yes"}}}`, want: refused},
	{name: "managed", existing: `{metadata: {annotations: {sealedsecrets.bitnami.com/managed: "true", old: a}, labels: {old: l}}}`, secret: `{metadata: {labels: {app: shop}}}`},
	{name: "patch", existing: `{metadata: {annotations: {sealedsecrets.bitnami.com/patch: "true", old: a}, labels: {old: l}}}`, secret: `{metadata: {labels: {app: shop}, annotations: {note: n}}}`},
	{name: "patch-and-managed", existing: `{metadata: {annotations: {sealedsecrets.bitnami.com/patch: "true", sealedsecrets.bitnami.com/managed: "true"}, labels: {old: l}}}`},
	{name: "managed-by-itself", existing: `{metadata: {annotations: {sealedsecrets.bitnami.com/managed: "true"}}}`, secret: `{metadata: {annotations: {sealedsecrets.bitnami.com/managed: "true"}}}`},
}

var (
	sealedSecretsResource = schema.GroupVersionResource{Group: "bitnami.com", Version: "v1alpha1", Resource: "sealedsecrets"}
	secretsResource       = corev1.SchemeGroupVersion.WithResource("secrets")
	crdsResource          = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

// TestSealedSecretsAsTheirController has the real controller act on SealedSecrets
// that the real kubeseal made, then the agent, in the same namespaces: the Secrets
// are the same. After it, controllers go and come.
func TestSealedSecretsAsTheirController(t *testing.T) { //nolint:tparallel // its parts follow one another
	t.Parallel()
	whole(t)
	s := newSealedWorld(t)
	t.Run("rekey", s.rekeyByController)
	theirs := s.theirs(t)
	s.wipe(t)
	s.startAgent(t, s.kubeconfig, "--refresh-interval=10s") // what has failed is soon tried anew
	defer s.stopAgent(t)
	s.apply(t)
	for _, c := range sealedCases {
		t.Run(c.name, func(t *testing.T) {
			s.settled(t, c)
			if diff := cmp.Diff(theirs[c.name], s.comparable(t, c)); diff != "" {
				t.Errorf("other than what the controller made of it: %s", diff)
			}
		})
	}
	t.Run("key", s.withdrawKey)
	t.Run("handover", s.handover)
}

// A sealedWorld is a cluster with SealedSecrets, an agent, and a controller.
type sealedWorld struct {
	*flock
	controller *testenv.SealedSecretsController
	sealed     map[string]*unstructured.Unstructured // by case
}

func newSealedWorld(t *testing.T) *sealedWorld {
	w := newWorld(t)
	s := &sealedWorld{flock: w.newFlock(t, "sealed", len(sealedCases)), sealed: map[string]*unstructured.Unstructured{}}
	if err := s.cluster.ServeSealedSecrets(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.startController(t)
	certificate, err := s.controller.Certificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "cert.pem")
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range sealedCases {
		s.sealed[c.name] = c.kubeseal(t, file)
		if err := s.cluster.CreateNamespace(t.Context(), c.namespace()); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *sealedWorld) startController(t *testing.T) {
	t.Helper()
	var err error
	log := filepath.Join(s.dir, "controller.log")
	if s.controller, err = s.cluster.StartSealedSecrets(t.Context(), s.namespace(), log, "--key-size", "2048"); err != nil {
		t.Fatal(err)
	}
}

// rekeyByController has the controller seal a file anew, through an API server's
// proxy to its Service.
func (s *sealedWorld) rekeyByController(t *testing.T) {
	target, err := url.Parse(s.controller.URL)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	const services = "/api/v1/namespaces/kube-system/services/"
	mux.HandleFunc("GET "+services+"sealed-secrets-controller", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(corev1.Service{ // a broken answer is seen
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: metav1.ObjectMeta{Name: "sealed-secrets-controller"},
			Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 8080}}},
		})
	})
	to := services + "http:sealed-secrets-controller:http/proxy"
	mux.Handle("POST "+to+"/", http.StripPrefix(to, httputil.NewSingleHostReverseProxy(target)))
	server := httptest.NewServer(mux)
	defer server.Close()
	config := clientcmdapi.NewConfig()
	config.Clusters["c"], config.Contexts["c"], config.CurrentContext = &clientcmdapi.Cluster{Server: server.URL}, &clientcmdapi.Context{Cluster: "c"}, "c"
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	before := s.sealed["strict"]
	text, err := yaml.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "sealed.yaml")
	if err := os.WriteFile(file, append([]byte("# of the shop\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), s.bin.Tidelock, "secrets", "rekey", "--by-controller", "--kubeconfig", kubeconfig, file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("rekey: %v\n%s", err, out)
	}
	if text, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	after := new(unstructured.Unstructured)
	if err := yaml.Unmarshal(text, &after.Object); err != nil || !bytes.HasPrefix(text, []byte("# of the shop\n")) {
		t.Fatalf("%v\n%s", err, text)
	}
	for item, was := range encryptedData(before) {
		if is := encryptedData(after)[item]; is == "" || is == was {
			t.Errorf("item %s is not sealed anew", item)
		}
	}
	raw, err := after.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if opens, err := s.controller.Opens(t.Context(), raw); err != nil || !opens {
		t.Errorf("the controller opens what it has sealed anew: %t, %v", opens, err)
	}
}

func encryptedData(o *unstructured.Unstructured) map[string]string {
	data, _, _ := unstructured.NestedStringMap(o.Object, "spec", "encryptedData")
	return data
}

func (s *sealedWorld) stopController(t *testing.T) {
	t.Helper()
	if err := s.controller.Stop(); err != nil {
		t.Fatal(err)
	}
}

func (c sealedCase) namespace() string { return "c-" + c.name }

// withYAML adds YAML to an object, as a JSON merge patch does.
func withYAML(t *testing.T, into map[string]any, text string) map[string]any {
	t.Helper()
	var patch map[string]any
	if err := yaml.Unmarshal([]byte(text), &patch); err != nil {
		t.Fatal(err)
	}
	return mergePatch(into, patch)
}

func mergePatch(into, patch map[string]any) map[string]any {
	if into == nil {
		into = map[string]any{}
	}
	for key, value := range patch {
		child, isMap := value.(map[string]any)
		was, _ := into[key].(map[string]any)
		switch {
		case isMap:
			into[key] = mergePatch(was, child)
		case value == nil:
			delete(into, key)
		default:
			into[key] = value
		}
	}
	return into
}

// kubeseal makes the SealedSecret.
func (c sealedCase) kubeseal(t *testing.T, certificate string) *unstructured.Unstructured {
	t.Helper()
	tool, err := testenv.SealedSecretsTool(t.Context(), "kubeseal")
	if err != nil {
		t.Fatal(err)
	}
	secret := withYAML(t, map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "db", "namespace": c.namespace()},
		"stringData": map[string]any{"password": "hunter2hunter2", "user": "ann"},
	}, c.secret)
	if _, ok := secret["data"]; ok {
		delete(secret, "stringData")
	}
	raw, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"--cert", certificate, "-o", "yaml"}
	if c.scope != "" {
		flags = append(flags, "--scope", c.scope)
	}
	cmd := exec.CommandContext(t.Context(), tool, flags...)
	cmd.Stdin = bytes.NewReader(raw)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kubeseal: %v", err)
	}
	sealed := new(unstructured.Unstructured)
	if err := yaml.Unmarshal(out, &sealed.Object); err != nil {
		t.Fatal(err)
	}
	sealed.Object = withYAML(t, sealed.Object, c.edit)
	return sealed
}

// create makes the Secret that is there before.
func (s *sealedWorld) create(t *testing.T, c sealedCase) {
	t.Helper()
	if c.existing == "" {
		return
	}
	secret := &unstructured.Unstructured{Object: withYAML(t, map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "db", "namespace": c.namespace()},
		"stringData": map[string]any{"password": "old", "extra": "stays?"},
	}, c.existing)}
	_, err := s.cluster.Dynamic.Resource(secretsResource).Namespace(c.namespace()).Create(t.Context(), secret, metav1.CreateOptions{FieldManager: kubectl})
	if err != nil {
		t.Fatal(err)
	}
}

// theirs is what the controller makes of every case.
func (s *sealedWorld) theirs(t *testing.T) map[string]map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, c := range sealedCases {
		s.create(t, c)
		_, err := s.cluster.Dynamic.Resource(sealedSecretsResource).Namespace(c.namespace()).Create(ctx, s.sealed[c.name], metav1.CreateOptions{})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
	}
	made := map[string]map[string]any{}
	for _, c := range sealedCases {
		// The controller makes a Secret without an owner, and then says that it is not its.
		want := map[bool]string{true: "True", false: "False"}[c.want == makes && c.name != "no-owner"]
		if err := s.cluster.Until(ctx, sealedSecretsResource, c.namespace(), "db", condition(want, ".*")); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		made[c.name] = s.comparable(t, c)
	}
	return made
}

// condition waits for the status of a SealedSecret.
func condition(want, message string) testenv.Condition {
	return func(object *unstructured.Unstructured) (bool, string) {
		if object == nil {
			return false, "absent"
		}
		conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
		if len(conditions) != 1 {
			return false, fmt.Sprintf("it has %d conditions", len(conditions))
		}
		synced := conditions[0].(map[string]any)
		text, _ := synced["message"].(string)
		observed, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
		ok := synced["type"] == "Synced" && synced["status"] == want && observed == object.GetGeneration() && regexp.MustCompile(message).MatchString(text)
		return ok, fmt.Sprintf("Synced is %v of generation %d: %s", synced["status"], observed, text)
	}
}

// comparable is the Secret but for what differs from one to the next, and for whose
// it is; nil if there is none.
func (s *sealedWorld) comparable(t *testing.T, c sealedCase) map[string]any {
	t.Helper()
	list, err := s.cluster.Dynamic.Resource(secretsResource).Namespace(c.namespace()).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) == 0 {
		return nil
	}
	if len(list.Items) > 1 {
		t.Fatalf("%d Secrets", len(list.Items))
	}
	u := &list.Items[0]
	u.SetUID("")
	u.SetResourceVersion("")
	u.SetCreationTimestamp(metav1.Time{})
	u.SetManagedFields(nil)
	var owners []metav1.OwnerReference
	for _, owner := range u.GetOwnerReferences() {
		if owner.Kind != "SealedSecret" {
			owners = append(owners, owner)
		}
	}
	u.SetOwnerReferences(owners)
	labels, annotations := u.GetLabels(), u.GetAnnotations()
	delete(labels, api.LabelApp)
	delete(annotations, api.AnnotationTrackingID)
	if c.name == "no-owner" { // the engine's way to say that it stays
		delete(annotations, api.AnnotationSyncOptions)
	}
	if len(labels) == 0 {
		labels = nil
	}
	if len(annotations) == 0 {
		annotations = nil
	}
	u.SetLabels(labels)
	u.SetAnnotations(annotations)
	return u.Object
}

// wipe takes away the controller, the SealedSecrets and their Secrets, and puts
// back what was there before.
func (s *sealedWorld) wipe(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s.stopController(t)
	definitions := s.cluster.Dynamic.Resource(crdsResource)
	if err := definitions.Delete(ctx, "sealedsecrets.bitnami.com", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.cluster.Until(ctx, crdsResource, "", "sealedsecrets.bitnami.com", testenv.Absent); err != nil {
		t.Fatal(err)
	}
	for _, c := range sealedCases {
		err := s.cluster.Typed.CoreV1().Secrets(c.namespace()).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.cluster.Until(ctx, secretsResource, c.namespace(), "db", testenv.Absent); err != nil {
			t.Fatal(err)
		}
		s.create(t, c)
	}
}

// apply states every case in an Application.
func (s *sealedWorld) apply(t *testing.T) {
	t.Helper()
	for _, c := range sealedCases {
		raw, err := yaml.Marshal(s.sealed[c.name].Object)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.repo.Write(c.name+"/sealed.yaml", raw); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.repo.Push(t.Context(), "sealed"); err != nil {
		t.Fatal(err)
	}
	for _, c := range sealedCases {
		app, err := parse(fmt.Sprintf(application, c.name, s.repo.URL, c.name, c.namespace()))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.cluster.Dynamic.Resource(testenv.Applications).Namespace(s.namespace()).Create(t.Context(), app, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// settled waits until the Application says what became of a case.
func (s *sealedWorld) settled(t *testing.T, c sealedCase) {
	t.Helper()
	s.until(t, c.name, func(app *api.Application) bool {
		if c.want == makes {
			return testenv.Synced(app)
		}
		return strings.Contains(testenv.Describe(app), c.want)
	})
}

func (s *sealedWorld) until(t *testing.T, name string, met func(*api.Application) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.cluster.UntilApplication(ctx, s.namespace(), name, met); err != nil {
		t.Fatal(err)
	}
}

// keys returns the Secrets with the controller's keys.
func (s *sealedWorld) relabelKeys(t *testing.T, value string) {
	t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%q}}}`, sealed.KeyLabel, value)
	list, err := s.cluster.Typed.CoreV1().Secrets(s.namespace()).List(t.Context(), metav1.ListOptions{LabelSelector: sealed.KeyLabel})
	if err != nil || len(list.Items) == 0 {
		t.Fatal(err, "or no keys")
	}
	for _, key := range list.Items {
		if _, err := s.cluster.Typed.CoreV1().Secrets(s.namespace()).Patch(t.Context(), key.Name, "application/merge-patch+json", []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// withdrawKey takes the key out of use, as its label does. What is live stays, and
// the key repairs what waits for it.
func (s *sealedWorld) withdrawKey(t *testing.T) {
	before := s.secret(t, "strict")
	s.relabelKeys(t, "compromised")
	s.until(t, "strict", func(app *api.Application) bool {
		return strings.Contains(testenv.Describe(app), "there is no sealing key")
	})
	if after := s.secret(t, "strict"); after.ResourceVersion != before.ResourceVersion {
		t.Error("the Secret was written to")
	}
	s.relabelKeys(t, sealed.KeyActive)
	s.until(t, "strict", testenv.Synced)
}

func (s *sealedWorld) secret(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	secret, err := s.cluster.Typed.CoreV1().Secrets("c-"+name).Get(t.Context(), "db", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// untilSecret waits for a Secret, which must be the very one of before.
func (s *sealedWorld) untilSecret(t *testing.T, was *corev1.Secret, what string, met func(*corev1.Secret) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := s.cluster.Until(ctx, secretsResource, was.Namespace, was.Name, func(object *unstructured.Unstructured) (bool, string) {
		if object == nil {
			t.Errorf("%s: the Secret was deleted", was.Namespace)
			return true, "gone"
		}
		var now corev1.Secret
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &now); err != nil {
			return false, err.Error()
		}
		if now.UID != was.UID || string(now.Data["password"]) != string(was.Data["password"]) {
			t.Errorf("%s: it is another Secret", was.Namespace)
			return true, "another"
		}
		return met(&now), what
	})
	if err != nil {
		t.Fatal(err)
	}
}

// isOurs says that a Secret carries our marks, and is nobody else's.
func isOurs(secret *corev1.Secret) bool {
	return secret.Annotations[api.AnnotationTrackingID] != "" && len(secret.OwnerReferences) == 0
}

// isTheirs says that a Secret is the controller's.
func isTheirs(secret *corev1.Secret) bool {
	return secret.Annotations[api.AnnotationTrackingID] == "" && secret.Labels[api.LabelApp] == "" &&
		len(secret.OwnerReferences) == 1 && secret.OwnerReferences[0].Kind == "SealedSecret"
}

// handover follows a Secret from us to a controller and back. It is there all the
// time, and it is the same.
func (s *sealedWorld) handover(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	names := []string{"strict", "labels"}
	secrets := map[string]*corev1.Secret{}
	for _, name := range names {
		secrets[name] = s.secret(t, name)
	}
	each := func(do func(name string)) {
		for _, name := range names {
			do(name)
		}
	}

	t.Log("the kind is served, and there is no controller")
	if err := s.cluster.ServeSealedSecrets(ctx); err != nil {
		t.Fatal(err)
	}
	each(func(name string) {
		if err := s.cluster.Until(ctx, sealedSecretsResource, "c-"+name, "db", condition("True", "^$")); err != nil {
			t.Fatal(err)
		}
		s.until(t, name, testenv.Synced)
		s.untilSecret(t, secrets[name], "that it is ours", isOurs)
	})
	s.relabelKeys(t, "compromised")
	each(func(name string) {
		if err := s.cluster.Until(ctx, sealedSecretsResource, "c-"+name, "db", condition("False", "there is no sealing key.*hint: ")); err != nil {
			t.Fatal(err)
		}
	})
	s.relabelKeys(t, sealed.KeyActive)
	each(func(name string) { s.until(t, name, testenv.Synced) })

	t.Log("a controller comes")
	s.deployController(t)
	s.startController(t)
	each(func(name string) {
		s.untilSecret(t, secrets[name], "that it is the controller's", isTheirs)
		s.until(t, name, testenv.Synced)
	})

	t.Log("and goes")
	s.stopController(t)
	if err := s.cluster.Typed.AppsV1().Deployments("default").Delete(ctx, "sealed-secrets", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	each(func(name string) {
		s.untilSecret(t, secrets[name], "that it is ours again", isOurs)
		s.until(t, name, testenv.Synced)
	})
}

// deployController says that a controller runs, which is all that a Deployment is
// for here.
func (s *sealedWorld) deployController(t *testing.T) {
	t.Helper()
	labels := map[string]string{"app.kubernetes.io/name": "sealed-secrets"}
	_, err := s.cluster.Typed.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "sealed-secrets", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: maps.Clone(labels)},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "controller", Image: "sealed-secrets"}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

package peertest

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/external"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

var env *testenv.Cluster

func TestMain(m *testing.M) { testenv.Main(m, &env) }

// plugin is external-secrets' code in Tidelock's plugin process.
type plugin struct{ *host.Host }

func (p plugin) Fetch(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	return p.Host.Fetch(ctx, "external-secrets", req)
}

// live reads the cluster, but for one Secret: what the controller made must not
// be looked up.
type live struct{ hidden string }

func (l live) Get(ctx context.Context, apiVersion, kind, namespace, name string) (json.RawMessage, error) {
	if kind == "Secret" && namespace+"/"+name == l.hidden {
		return nil, fs.ErrNotExist
	}
	object, err := env.Dynamic.Resource(resource(apiVersion, kind)).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%s %s/%s: %w", kind, namespace, name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	return object.MarshalJSON()
}

func (live) Token(ctx context.Context, namespace, account string, audiences []string) (sdk.Material, error) {
	made, err := env.Typed.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	return sdk.Material(made.Status.Token), nil
}

func resource(apiVersion, kind string) schema.GroupVersionResource {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		panic(err) // written in this package
	}
	return gv.WithResource(strings.ToLower(kind) + "s")
}

// TestLikeTheController: for each ExternalSecret, the Secret is the one that the
// controller makes, labels, annotations, finalizers and type included. Left out
// are the annotation with a hash of the data, the ownerReference, which only an
// owner that is served can have, and our own note of when a value was fetched.
func TestLikeTheController(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	bin, err := testenv.Build(ctx, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	controller, err := testenv.StartExternalSecrets(ctx, env, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := controller.Stop(); err != nil {
			t.Error(err)
		}
	})
	h, err := host.New(host.Config{Logger: slog.New(slog.DiscardHandler), Plugins: []host.Spec{{
		Name: "external-secrets", Command: bin.External, Args: []string{"--allow-loopback"}, Grants: sandbox.Grants{Network: true}, Processes: 1,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			compare(ctx, t, h, controller, fmt.Sprintf("case-%d", i), tt)
		})
	}
}

func compare(ctx context.Context, t *testing.T, h *host.Host, controller *testenv.Controller, namespace string, tt peerCase) {
	if _, err := env.Typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, text := range slices.Concat(common, tt.objects) {
		ca, err := json.Marshal(string(env.Config.CAData))
		if err != nil {
			t.Fatal(err)
		}
		create(ctx, t, namespace, strings.NewReplacer("$SERVER", env.Config.Host, "$CA", string(ca)).Replace(text))
	}
	es := create(ctx, t, namespace, manifestOf(tt.spec))
	condition := func(live *unstructured.Unstructured) (bool, string) {
		if live == nil {
			return false, "absent"
		}
		list, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
		return len(list) > 0 && list[0].(map[string]any)["status"] == "True", fmt.Sprint(list)
	}
	if err := env.Until(ctx, resource("external-secrets.io/v1", "ExternalSecret"), namespace, es.GetName(), condition); err != nil {
		t.Fatalf("%v\n%s", err, testenv.Tail(controller.Log(), 20))
	}
	name, _, _ := unstructured.NestedString(es.Object, "spec", "target", "name")
	if name == "" {
		name = es.GetName()
	}
	theirs, err := env.Typed.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	if got, want := ours(ctx, t, h, namespace, name, tt), text(theirs, err == nil, tt); got != want {
		t.Errorf("ours and the controller's differ: %s", cmp.Diff(want, got))
	}
}

// ours resolves the ExternalSecret as it is in Git, without the API server's
// defaults.
func ours(ctx context.Context, t *testing.T, h *host.Host, namespace, name string, tt peerCase) string {
	set, err := manifest.Parse([]byte(strings.ReplaceAll(manifestOf(tt.spec), "$NS", namespace)), manifest.Origin{File: "es.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	set, err = set.Place(namespace, func(*manifest.Object) (bool, bool) { return true, true })
	if err != nil {
		t.Fatal(err)
	}
	hidden := namespace + "/" + name
	if tt.kept {
		hidden = ""
	}
	result, err := external.NewResolver(plugin{h}, time.Now).Resolve(ctx, external.Request{Application: namespace, Object: set[0], Cluster: live{hidden}})
	if err != nil || result.Stale != nil {
		t.Fatalf("%v, %v", err, result.Stale)
	}
	if result.Secret == nil {
		return text(nil, false, tt)
	}
	made := &corev1.Secret{}
	if err := json.Unmarshal(result.Secret.Reveal(), made); err != nil {
		t.Fatal(err)
	}
	return text(made, true, tt)
}

// text shows what is compared.
func text(s *corev1.Secret, exists bool, tt peerCase) string {
	if !exists {
		return "no Secret"
	}
	if s.Type == "" {
		s.Type = corev1.SecretTypeOpaque
	}
	delete(s.Annotations, "reconcile.external-secrets.io/data-hash")
	delete(s.Annotations, external.AnnotationFetched)
	for _, key := range tt.before {
		delete(s.Data, key)
		delete(s.Labels, key)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "type %s immutable %v finalizers %v\n", s.Type, s.Immutable != nil && *s.Immutable, s.Finalizers)
	for what, items := range map[string]map[string]string{"label": s.Labels, "annotation": s.Annotations} {
		for _, key := range slices.Sorted(maps.Keys(items)) {
			fmt.Fprintf(&b, "%s %s=%s\n", what, key, items[key])
		}
	}
	lines := strings.Split(b.String(), "\n")
	slices.Sort(lines)
	for _, key := range slices.Sorted(maps.Keys(s.Data)) {
		value := string(s.Data[key])
		if tt.random {
			value = fmt.Sprint(len(value), " bytes")
		}
		lines = append(lines, fmt.Sprintf("%s: %q", key, value))
	}
	return strings.Join(lines, "\n")
}

func create(ctx context.Context, t *testing.T, namespace, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(text, "$NS", namespace)), &object.Object); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	at := env.Dynamic.Resource(resource(object.GetAPIVersion(), object.GetKind()))
	var err error
	if strings.HasPrefix(object.GetKind(), "Cluster") {
		_, err = at.Create(ctx, object, metav1.CreateOptions{})
	} else {
		_, err = at.Namespace(namespace).Create(ctx, object, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return object
}

func manifestOf(spec string) string {
	return "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: api, labels: {team: web}, annotations: {note: here}}\nspec:\n  " + strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ") + "\n"
}

package external

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// maker is a plugin that makes a new value at each call.
type maker struct{ calls int }

func (m *maker) Fetch(context.Context, *sdk.SecretRequest) (*sdk.SecretResult, error) {
	m.calls++
	return value(fmt.Sprintf("made-%d", m.calls)), nil
}

// applied is the Secret as an API server shows it after it was applied, with an
// item, a label and an annotation that others added.
func applied(t *testing.T, o *manifest.Object) string {
	t.Helper()
	data, fields := map[string]string{"others": "eA=="}, map[string]any{}
	for key, v := range o.Data() {
		data[key] = base64.StdEncoding.EncodeToString(v.Reveal())
		fields["f:"+key] = map[string]any{}
	}
	labels, annotations := map[string]string{"others": "x", "tidelock.io/app": "a"}, map[string]string{"others": "x", "argocd.argoproj.io/tracking-id": "a"}
	labelFields, annotationFields := map[string]any{"f:tidelock.io/app": map[string]any{}}, map[string]any{"f:argocd.argoproj.io/tracking-id": map[string]any{}}
	for key, v := range o.Labels {
		labels[key], labelFields["f:"+key] = v, map[string]any{}
	}
	for key, v := range o.Annotations {
		annotations[key], annotationFields["f:"+key] = v, map[string]any{}
	}
	raw, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
		"metadata": map[string]any{
			"name": o.Key.Name, "namespace": o.Key.Namespace, "labels": labels, "annotations": annotations,
			"managedFields": []any{
				map[string]any{"manager": "kubectl", "operation": "Update", "fieldsV1": map[string]any{"f:data": map[string]any{"f:others": map[string]any{}}}},
				map[string]any{"manager": "tidelock", "operation": "Apply", "fieldsV1": map[string]any{
					"f:data": fields, "f:metadata": map[string]any{"f:labels": labelFields, "f:annotations": annotationFields},
				}},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestKept: what must not be fetched twice is not, however often the agent
// starts.
func TestKept(t *testing.T) {
	const byGenerator = `dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: p}}}]`
	const byData = `secretStoreRef: {name: demo}, data: [{secretKey: a, remoteRef: {key: b}}]`
	for _, tt := range []struct {
		name, spec, then string // then is the spec after the restart
		after            time.Duration
		fresh, deleted   bool
		want             string
	}{
		{name: "a generator, at once", spec: byGenerator, want: "made-1"},
		{name: "a generator, before its interval", spec: byGenerator, after: 50 * time.Minute, want: "made-1"},
		{name: "a generator, after its interval", spec: byGenerator, after: time.Hour, want: "made-2"},
		{name: "a generator that is made once", spec: "refreshInterval: 0s, " + byGenerator, after: 1000 * time.Hour, want: "made-1"},
		{name: "a generator and a hard refresh", spec: byGenerator, fresh: true, want: "made-1"},
		{name: "a generator whose use changed", spec: byGenerator, then: byGenerator + ", target: {template: {data: {x: y}}}", want: "made-2"},
		{name: "a generator, its Secret deleted", spec: byGenerator, deleted: true, want: "made-2"},
		{name: "CreatedOnce", spec: "refreshPolicy: CreatedOnce, " + byData, then: "refreshPolicy: CreatedOnce, refreshInterval: 1m, " + byData, after: time.Hour, want: "made-1"},
		{name: "CreatedOnce and a hard refresh", spec: "refreshPolicy: CreatedOnce, " + byData, fresh: true, want: "made-1"},
		{name: "CreatedOnce, its Secret deleted", spec: "refreshPolicy: CreatedOnce, " + byData, deleted: true, fresh: true, want: "made-2"},
		{name: "OnChange", spec: "refreshPolicy: OnChange, " + byData, after: time.Hour, want: "made-1"},
		{name: "OnChange, changed", spec: "refreshPolicy: OnChange, " + byData, then: "refreshPolicy: OnChange, refreshInterval: 1m, " + byData, want: "made-2"},
		{name: "OnChange and a hard refresh", spec: "refreshPolicy: OnChange, " + byData, fresh: true, want: "made-2"},
		{name: "an interval of 0", spec: `refreshInterval: "0", ` + byData, then: `refreshInterval: "0", target: {immutable: false}, ` + byData, want: "made-1"},
		{name: "immutable", spec: "target: {immutable: true}, " + byData, after: 100 * time.Hour, want: "made-1"},
		{name: "Periodic has no need of it", spec: byData, want: "made-2"},
		{name: "another target", spec: "refreshPolicy: CreatedOnce, " + byData, then: "refreshPolicy: CreatedOnce, target: {name: other}, " + byData, want: "made-2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plugin, now := &maker{}, time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
			live := cluster{"SecretStore shop/demo": "{spec: {provider: {fake: {data: []}}}}", "Password shop/p": "{spec: {}}"}
			resolve := func(r *Resolver, spec string, fresh bool) *manifest.Object {
				t.Helper()
				got, err := r.Resolve(t.Context(), Request{Application: "a", Object: externalSecret(t, "{"+spec+"}"), Cluster: live, Fresh: fresh})
				if err != nil || got.Stale != nil {
					t.Fatalf("%v, %v", err, got.Stale)
				}
				return got.Secret
			}
			first := resolve(NewResolver(plugin, func() time.Time { return now }), tt.spec, false)
			if !tt.deleted {
				live["Secret shop/api"] = applied(t, first)
			}
			now = now.Add(tt.after)
			spec := tt.then
			if spec == "" {
				spec = tt.spec
			}
			restarted := NewResolver(plugin, func() time.Time { return now })
			second := resolve(restarted, spec, tt.fresh)
			if got := string(second.Data()["a"].Reveal()); got != tt.want {
				t.Fatalf("value %s, want %s", got, tt.want)
			}
			if again := resolve(restarted, spec, false); again.Hash() != second.Hash() {
				t.Error("it is another at the next look")
			}
			if tt.want == "made-1" && second.Hash() != first.Hash() {
				t.Errorf("it is another Secret:\n%s\n%s", first.JSON(), second.JSON())
			}
		})
	}
}

// TestKeptFromExternalSecrets: a generated value that external-secrets made is
// taken over as it is.
func TestKeptFromExternalSecrets(t *testing.T) {
	live := cluster{
		"Password shop/p": "{spec: {}}",
		"Secret shop/api": `{type: Opaque, data: {a: b2xk}, metadata: {labels: {reconcile.external-secrets.io/managed: "true"}, annotations: {reconcile.external-secrets.io/data-hash: abc},
  managedFields: [{manager: externalsecrets.external-secrets.io/api, operation: Update, fieldsV1: {"f:data": {"f:a": {}}}}]}}`,
	}
	es := externalSecret(t, `{dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: p}}}]}`)
	got, err := NewResolver(&maker{}, time.Now).Resolve(t.Context(), Request{Object: es, Cluster: live})
	if err != nil || string(got.Secret.Data()["a"].Reveal()) != "old" {
		t.Fatalf("%v, %v", got.Secret, err)
	}
	if got.Secret.Annotations[dataHash] != "" || got.Secret.Annotations[AnnotationFetched] == "" {
		t.Errorf("annotations %v", got.Secret.Annotations)
	}
	delete(live, "Secret shop/api")
	live["Secret shop/api"] = `{data: {a: b2xk}, metadata: {}}`
	got, err = NewResolver(&maker{}, time.Now).Resolve(t.Context(), Request{Object: es, Cluster: live})
	if err != nil || string(got.Secret.Data()["a"].Reveal()) != "made-1" {
		t.Errorf("a stranger's Secret: %v, %v", got.Secret, err)
	}
}

// broken is a cluster that does not answer for Secrets.
type broken struct{ cluster }

func (b broken) Get(ctx context.Context, apiVersion, kind, namespace, name string) (json.RawMessage, error) {
	if kind == "Secret" {
		return nil, errors.New("the API server is away")
	}
	return b.cluster.Get(ctx, apiVersion, kind, namespace, name)
}

// TestKeptUnknown: nothing new is made while it is not known what is there.
func TestKeptUnknown(t *testing.T) {
	plugin := &maker{}
	es := externalSecret(t, `{dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: p}}}]}`)
	got, err := NewResolver(plugin, time.Now).Resolve(t.Context(), Request{Object: es, Cluster: broken{cluster{"Password shop/p": "{}"}}})
	if err == nil || !strings.Contains(err.Error(), "away") || plugin.calls != 0 || got.Next.IsZero() {
		t.Errorf("%v, %v after %d calls", got, err, plugin.calls)
	}
}

func TestWindows(t *testing.T) {
	night := `windows: [{schedule: "0 22 * * *", duration: 2h}, {schedule: "30 23 * * *", duration: 1h}]`
	for _, tt := range []struct{ windows, at, want string }{
		{"kind: allow, " + night, "12:00", "22:00"},
		{"kind: allow, " + night, "22:00", "22:00"},
		{"kind: allow, " + night, "23:59", "23:59"},
		{"kind: allow, " + night, "00:30", "22:00"},
		{"kind: deny, " + night, "12:00", "12:00"},
		{"kind: deny, " + night, "22:00", "00:30"},
		{"kind: deny, " + night, "00:29", "00:30"},
		{"kind: deny, " + night, "00:30", "00:30"},
		{`kind: allow, windows: [{schedule: "0 0 30 2 *", duration: 1h}]`, "12:00", "never"},
		{`kind: deny, windows: [{schedule: "* * * * *", duration: 1h}]`, "12:00", "never"},
	} {
		s, err := parse(externalSecret(t, "{syncWindows: {"+tt.windows+"}}"))
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse("15:04 2006", tt.at+" 2026")
		if err != nil {
			t.Fatal(err)
		}
		got := "never"
		// Whatever the zone of the clock: windows are in UTC.
		if open := s.SyncWindows.open(at.In(time.FixedZone("", 7*3600))); !open.IsZero() {
			got = open.UTC().Format("15:04")
		}
		if got != tt.want {
			t.Errorf("%s at %s: open at %s, want %s", tt.windows, tt.at, got, tt.want)
		}
	}
}

package cluster

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Each row is what happens to the record of one ConfigMap, in the order in which
// it gets here, and the record that is left with the applications that were told
// (DRIFT.md rule 10).
//
//	event 5 a shop     the object at resourceVersion 5, with content a, of shop
//	event 5 a -        the same, with our label and no tracking id
//	answer 5 a shop    the answer to an apply
//	deleted 5 a shop   the end, with a deletionTimestamp
//	listing 5          a listing without the object
//	listing 5: 4 a shop
func TestRule10OrderOfEvents(t *testing.T) {
	for _, tt := range []struct{ name, events, want, told string }{
		{"it comes", "event 5 a shop", "5 a shop", "shop"},
		{"it comes again", "event 5 a shop; event 5 a shop", "5 a shop", "shop"},
		{"nothing of note", "event 5 a shop; event 6 a shop", "6 a shop", "shop"},
		{"it changes", "event 5 a shop; event 6 b shop", "6 b shop", "shop shop"},
		{"answer before event", "answer 5 a shop; event 5 a shop", "5 a shop =", "shop"},
		{"event before answer", "event 5 a shop; answer 5 a shop", "5 a shop =", "shop"},
		{"an older event after the answer", "answer 5 b shop; event 4 a shop", "5 b shop =", "shop"},
		{"a longer version is newer", "event 99 a shop; event 100 b shop", "100 b shop", "shop shop"},
		{"edited before the answer came", "event 4 a shop; event 6 c shop; answer 5 b shop", "6 c shop !", "shop shop"},
		{"edited after the answer", "answer 5 a shop; event 6 b shop", "6 b shop !", "shop shop!"},
		{"edited and back", "answer 5 a shop; event 6 b shop; event 7 a shop", "7 a shop =", "shop shop! shop"},
		{"it goes", "event 5 a shop; deleted 6 a shop", "", "shop shop!"},
		{"an answer from before the end", "event 4 a shop; deleted 6 a shop; answer 5 a shop", "", "shop shop!"},
		{"an event from before the end", "event 4 a shop; deleted 6 a shop; event 5 b shop", "", "shop shop!"},
		{"it comes back", "event 5 a shop; deleted 6 a shop; event 7 b shop", "7 b shop", "shop shop! shop"},
		{"the end of an older one", "answer 7 a shop; deleted 6 a shop", "7 a shop =", "shop shop!"},
		{"never ours", "event 5 a -; deleted 6 a -", "", ""},
		{"it lost its tracking id", "answer 5 a shop; event 6 b -", "6 b - !", "shop shop!"},
		{"it lost its tracking id and goes", "answer 5 a shop; event 6 b -; deleted 7 b -", "", "shop shop!"},
		{"it lost its tracking id and got it back", "answer 5 a shop; event 6 b -; answer 7 a shop", "7 a shop =", "shop shop! shop"},
		{"it goes to another", "answer 5 a shop; event 6 b blog", "6 b blog !", "shop shop! blog!"},
		{"a new listing has it", "event 5 a shop; listing 6: 6 b shop", "6 b shop", "shop shop"},
		{"a new listing lacks it", "event 5 a shop; listing 6", "in doubt", "shop"},
		{"a listing from before it came", "answer 5 a shop; listing 4", "5 a shop =", "shop"},
		{"a listing has it as nobody's", "answer 5 a shop; listing 6: 6 b -", "6 b - !", "shop shop!"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			for event := range strings.SplitSeq(tt.events, "; ") {
				b.happen(t, event)
			}
			if got := b.record(); got != tt.want {
				t.Errorf("record %q, want %q", got, tt.want)
			}
			if got := strings.Join(b.told, " "); got != tt.told {
				t.Errorf("told %q, want %q", got, tt.told)
			}
		})
	}
}

// An object goes over from one application to another at once, not at the next
// refresh.
func TestRivalIsTold(t *testing.T) {
	for _, tt := range []struct{ name, event, told string }{
		{"it goes", "deleted 6 a shop", "shop shop! blog!"},
		{"it is given up", "event 6 a -", "shop shop blog"},
		{"it changes hands", "event 6 a blog", "shop shop blog blog"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			b.happen(t, "event 5 a shop")
			want, err := manifest.New(object([]string{"0", "b", "blog"}), manifest.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			b.Snapshot("blog", manifest.Set{want})
			b.happen(t, tt.event)
			if got := strings.Join(b.told, " "); got != tt.told {
				t.Errorf("told %q, want %q", got, tt.told)
			}
		})
	}
}

// A bench is a Cluster without a cluster.
type bench struct {
	*Cluster
	told []string
}

var configMaps = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

func newBench() *bench {
	b := &bench{}
	b.Cluster = &Cluster{
		log: slog.New(slog.DiscardHandler), doubtful: make(chan doubt, 1),
		records: map[manifest.Key]*diff.Live{}, byApp: map[string]map[manifest.Key]struct{}{}, gone: map[manifest.Key]string{},
		rivals: map[manifest.Key][]string{},
		changed: func(app string, drifted bool) {
			if drifted {
				app += "!"
			}
			b.told = append(b.told, app)
		},
	}
	return b
}

func (b *bench) happen(t *testing.T, event string) {
	t.Helper()
	words := strings.Fields(strings.ReplaceAll(event, ":", ""))
	switch verb, rest := words[0], words[1:]; verb {
	case "event":
		b.ingest(configMaps, object(rest))
	case "answer":
		desired, err := manifest.New(map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "x", "namespace": "ns"},
		}, manifest.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		b.Accept(desired, object(rest))
	case "deleted":
		o := object(rest)
		o["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
		b.deleted(configMaps, o)
	case "listing":
		var list []*diff.Live
		if len(rest) > 1 {
			list = append(list, b.reduce(configMaps, object(rest[1:])))
		}
		b.replace(feed{gvk: configMaps}, list, rest[0])
	default:
		t.Fatalf("what is %q?", event)
	}
}

// object makes the ConfigMap of "5 a shop".
func object(words []string) map[string]any {
	annotations := map[string]any{}
	if words[2] != "-" {
		annotations[api.AnnotationTrackingID] = words[2] + ":/ConfigMap:ns/x"
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"content": words[1]},
		"metadata": map[string]any{
			"name": "x", "namespace": "ns", "uid": "u", "resourceVersion": words[0],
			"labels": map[string]any{api.LabelApp: "any"}, "annotations": annotations,
			"managedFields": []any{map[string]any{
				"manager": diff.Manager, "operation": "Apply", "apiVersion": "v1",
				"fieldsV1": map[string]any{"f:data": map[string]any{"f:content": map[string]any{}}},
			}},
		},
	}
}

// record prints as "5 a shop", with "=" if it is as the last answer, "!" if not.
func (b *bench) record() string {
	if len(b.doubtful) > 0 {
		return "in doubt"
	}
	live := b.records[manifest.Key{Kind: "ConfigMap", Namespace: "ns", Name: "x"}]
	if live == nil {
		return ""
	}
	app := live.App
	if app == "" {
		app = "-"
	}
	text := fmt.Sprintf("%s %s %s", live.ResourceVersion, b.content(live.Digest), app)
	switch live.Baseline.Digest {
	case "":
		return text
	case live.Digest:
		return text + " ="
	}
	return text + " !"
}

func (b *bench) content(digest string) string {
	for _, content := range []string{"a", "b", "c"} {
		if b.digest(configMaps, object([]string{"1", content, "-"}), nil) == digest {
			return content
		}
	}
	return "?"
}

// An API group that does not answer keeps its kinds.
func TestSilentGroupKeepsItsKinds(t *testing.T) {
	gv := schema.GroupVersion{Group: "metrics.k8s.io", Version: "v1"}
	before := kinds{byKind: map[schema.GroupVersionKind]Kind{
		gv.WithKind("PodMetrics"): {gv.WithResource("pods"), true}, configMaps: {},
	}}
	after := kinds{byKind: map[schema.GroupVersionKind]Kind{}, groups: map[schema.GroupKind]Kind{}}
	after.adopt(before, gv)
	after.adopt(before, schema.GroupVersion{Group: "never.seen", Version: "v1"})
	if got, want := fmt.Sprint(after.api), "[metrics.k8s.io/v1/PodMetrics metrics.k8s.io/v1]"; got != want || len(after.byKind) != 1 {
		t.Errorf("kinds %v and %v, want %s", got, after.byKind, want)
	}
}

func BenchmarkIngest(b *testing.B) {
	bench := newBench()
	bench.changed = func(string, bool) {}
	o := object([]string{"5", "a", "shop"})
	b.ReportAllocs()
	for b.Loop() {
		bench.ingest(configMaps, o)
	}
}

// BenchmarkRecords reports what a record takes of the heap, with its place in
// the maps.
func BenchmarkRecords(b *testing.B) {
	const records = 10_000
	for b.Loop() {
		bench := newBench()
		bench.changed = func(string, bool) {}
		before := heap()
		for i := range records {
			o := object([]string{"5", "a", "-"})
			meta := o["metadata"].(map[string]any)
			meta["name"], meta["uid"] = fmt.Sprintf("config-map-%d", i), fmt.Sprintf("11111111-2222-3333-4444-%012d", i)
			meta["annotations"] = map[string]any{api.AnnotationTrackingID: fmt.Sprintf("shop:/ConfigMap:ns/config-map-%d", i)}
			bench.ingest(configMaps, o)
		}
		b.ReportMetric(float64(heap()-before)/records, "B/record")
		if bench.Objects() != records {
			b.Fatalf("%d records of %d", bench.Objects(), records)
		}
	}
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

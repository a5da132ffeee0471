package validate

import (
	"context"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// BenchmarkSet looks at the clean collection.
func BenchmarkSet(b *testing.B) {
	var set manifest.Set
	for _, text := range manifestsOf(b, "testdata/clean/workloads.txtar") {
		objects, err := manifest.ParseStrict(text, manifest.Origin{File: "a.yaml"})
		if err != nil {
			b.Fatal(err)
		}
		set = append(set, objects...)
	}
	checker, err := New("1.37", nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		checker.Set(context.Background(), set)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(set)), "µs/object")
}

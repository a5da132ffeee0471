package render_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render"
)

// BenchmarkRecheck asks for 1,000 applications of one repository at a commit
// that changed none of their inputs. Each has about 13.
func BenchmarkRecheck(b *testing.B) {
	const applications = 1000
	var files strings.Builder
	for i := range applications {
		fmt.Fprintf(&files, "-- apps/%d/overlay/kustomization.yaml --\nresources: [../base]\nnamePrefix: x-\n", i)
		fmt.Fprintf(&files, "-- apps/%d/base/kustomization.yaml --\nresources: [a.yaml, b.yaml, c.yaml]\n", i)
		for _, name := range []string{"a", "b", "c"} {
			fmt.Fprintf(&files, "-- apps/%d/base/%s.yaml --\n%s", i, name, configMap(name, "1"))
		}
	}
	w := newWorld(b, files.String())
	requests := func() []render.Request {
		req := w.request(api.Source{})
		for i := range 300 { // as many as a cluster has
			req.APIVersions = append(req.APIVersions, fmt.Sprintf("example.com/v1/Kind%d", i))
		}
		all := make([]render.Request, applications)
		for i := range all {
			all[i] = req
			all[i].Application = fmt.Sprintf("app-%d", i)
			all[i].Source.Path = fmt.Sprintf("apps/%d/overlay", i)
		}
		return all
	}
	ask := func(all []render.Request) (inputs int) {
		for _, req := range all {
			result, err := w.engine.Render(context.Background(), req)
			if err != nil {
				b.Fatal(err)
			}
			inputs += len(result.Inputs)
		}
		return inputs
	}
	inputs := ask(requests())
	before := w.engine.Stats()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		w.write(fmt.Sprintf("-- README.md --\n%d\n", i))
		all := requests()
		b.StartTimer()
		ask(all)
	}
	b.StopTimer()
	if after := w.engine.Stats(); after.Misses != before.Misses {
		b.Errorf("%d rendered again", after.Misses-before.Misses)
	}
	b.ReportMetric(float64(inputs)/applications, "inputs/app")
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// A stage is how much there is when memory is looked at: Applications, and further
// objects of the first of them.
type stage struct{ applications, richer, further int }

// stages go up to n Applications. What an Application takes shows between the first
// three, what an object takes in the last.
func stages(n int) []stage {
	return []stage{{n / 10, 0, 0}, {n * 3 / 10, 0, 0}, {n, 0, 0}, {n, n * 3 / 10, 20}}
}

// A footprint is what the agents need at a stage, all together.
type footprint struct {
	Applications int   `json:"applications"`
	Objects      int   `json:"objects"`
	Heap         int64 `json:"heapBytes"` // in use after a collection
	Agent        int64 `json:"agentBytes"`
	Plugins      int64 `json:"pluginBytes"`
}

// measureMemory looks at memory at each stage, on one new cluster in dir.
func measureMemory(ctx context.Context, o options, binaries testenv.Binaries, dir string) (prints []footprint, err error) {
	b := &bench{options: o}
	defer func() { err = errors.Join(err, b.stop()) }()
	if err := b.start(ctx, binaries, dir); err != nil {
		return nil, err
	}
	there := 0
	for _, s := range stages(o.services) {
		say("measuring memory with %d Applications, of which %d have %d further objects", s.applications, s.richer, s.further)
		if err := b.reach(ctx, there, s); err != nil {
			return nil, err
		}
		there = s.applications
		print, err := b.footprint(ctx, s)
		if err != nil {
			return nil, err
		}
		prints = append(prints, print)
	}
	return prints, nil
}

// reach makes it so, and waits until all is applied and said.
func (b *bench) reach(ctx context.Context, there int, s stage) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if err := b.createApplications(ctx, there, s.applications); err != nil {
		return err
	}
	if s.further > 0 {
		revision := b.nextRevision()
		for i := range s.richer {
			if err := errors.Join(b.writeFurther(i, s.further), b.writeOverlay(i, revision)); err != nil {
				return err
			}
		}
		if _, err := b.pushed(ctx, countAt(revision, s.richer*(objectsPerService+s.further)), 0); err != nil {
			return err
		}
	}
	for i := range s.applications {
		if err := b.untilReported(ctx, i); err != nil {
			return err
		}
	}
	return b.untilQuiet(ctx)
}

// createApplications makes those from one number to another.
func (b *bench) createApplications(ctx context.Context, from, to int) error {
	client := b.cluster.Dynamic.Resource(testenv.Applications).Namespace(testenv.AgentNamespace)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := from; i < to; i++ {
		g.Go(func() error {
			_, err := client.Create(ctx, b.application(i), metav1.CreateOptions{})
			return err
		})
	}
	return g.Wait()
}

// writeFurther gives a service further ConfigMaps.
func (b *bench) writeFurther(i, n int) error {
	base := "services/" + serviceName(i) + "/base/"
	var further strings.Builder
	for j := range n {
		fmt.Fprintf(&further, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s-%d}\ndata: {NAME: further}\n---\n", serviceName(i), j)
	}
	kustomization := strings.Replace(baseFiles["kustomization.yaml"], "configmap.yaml]", "configmap.yaml, further.yaml]", 1)
	return errors.Join(b.repo.Write(base+"further.yaml", []byte(further.String())),
		b.repo.Write(base+"kustomization.yaml", fmt.Appendf(nil, kustomization, serviceName(i))))
}

func (b *bench) footprint(ctx context.Context, s stage) (footprint, error) {
	f := footprint{Applications: s.applications, Objects: s.applications*objectsPerService + s.richer*s.further}
	for i, a := range b.agents {
		heap, err := a.Heap(ctx)
		if err != nil {
			return footprint{}, err
		}
		f.Heap += heap
		profile, err := a.HeapProfile(ctx)
		if err != nil {
			return footprint{}, err
		}
		name := fmt.Sprintf("heap-%d-of-%d-and-%d.pprof", i, f.Applications, f.Objects)
		if err := os.WriteFile(filepath.Join(b.options.dir, name), profile, 0o600); err != nil {
			return footprint{}, err
		}
	}
	usage, err := b.usage()
	f.Agent, f.Plugins = usage.Leader, usage.Memory-usage.Leader
	return f, err
}

// A model is what memory is made of, in bytes.
type model struct{ Base, Application, Object float64 }

// fit finds the model that comes closest, by least squares.
func fit(prints []footprint) model {
	var m [3][4]float64 // the normal equations
	for _, p := range prints {
		x := [4]float64{1, float64(p.Applications), float64(p.Objects), float64(p.Heap)}
		for i := range m {
			for j := range m[i] {
				m[i][j] += x[i] * x[j]
			}
		}
	}
	for i := range m {
		for k := range m {
			if k == i || m[i][i] == 0 {
				continue
			}
			factor := m[k][i] / m[i][i]
			for j := range m[k] {
				m[k][j] -= factor * m[i][j]
			}
		}
	}
	return model{m[0][3] / m[0][0], m[1][3] / m[1][1], m[2][3] / m[2][2]}
}

// bytes is what so many take.
func (m model) bytes(applications, objects int) float64 {
	return m.Base + m.Application*float64(applications) + m.Object*float64(objects)
}

// projected are sizes of installations: Applications, and objects of each.
var projected = [][2]int{{1000, 4}, {1000, 20}, {10_000, 10}, {50_000, 4}, {50_000, 10}, {50_000, 20}}

// printMemory prints what was measured, and what follows.
func printMemory(w io.Writer, replicas int, prints []footprint) error {
	const kib, mib = 1 << 10, 1 << 20
	fmt.Fprintf(w, "memory of %d replica(s), all together\n\n", replicas)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "Applications\tobjects\theap MiB\tagent MiB\tplugins MiB\t\n")
	for _, p := range prints {
		fmt.Fprintf(table, "%d\t%d\t%.1f\t%d\t%d\t\n", p.Applications, p.Objects, float64(p.Heap)/mib, p.Agent/mib, p.Plugins/mib)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	m := fit(prints)
	fmt.Fprintf(w, "\nheap: %.1f MiB, and %.1f KiB for each Application, and %.2f KiB for each object\n\n", m.Base/mib, m.Application/kib, m.Object/kib)
	fmt.Fprint(table, "Applications\tobjects of each\theap MiB, projected\t\n")
	for _, p := range projected {
		fmt.Fprintf(table, "%d\t%d\t%.0f\t\n", p[0], p[1], m.bytes(p[0], p[0]*p[1])/mib)
	}
	return table.Flush()
}

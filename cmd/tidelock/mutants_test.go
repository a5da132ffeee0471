package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/render/validate"
)

var (
	mutationsCount = flag.Int("mutations", 150, "how many mutants of clean repositories TestMutations makes")
	mutationsSeed  = flag.Uint64("mutations.seed", 1, "which they are")
	mutationsOnly  = flag.String("mutations.only", "", "an `expression` for those to be made: part of CLASS: REPOSITORY: FILE: WHAT")
	mutationsShown = flag.Bool("mutations.missed", false, "show what is not found of any class")
)

// A truth is how it is known what should be said of a mutant.
type truth int

const (
	// asServer: it should be found if an API server refuses it, or it cannot be rendered.
	asServer truth = iota
	// wrong: it should be found, for it is wrong by the way it is made.
	wrong
	// harmless: nothing should be found, nor refused.
	harmless
)

// A class of mutations breaks one kind of thing.
type class struct {
	name  string
	truth truth
	// floor is the share that must be found.
	floor float64
	// files says that it counts even if the same objects come out.
	files bool
	// of finds what can be broken so in a specimen.
	of func(*specimen) []mutation
}

// A mutation breaks one thing of a specimen.
type mutation struct {
	class *class
	of    *specimen
	what  string // FILE: OBJECT: FIELD: HOW
	make  func(*rand.Rand) map[string]string
}

func (m *mutation) String() string { return m.class.name + ": " + m.of.name + ": " + m.what }

// random is a mutation's own, so that a mutant is the same whatever others are made.
func (m *mutation) random(seed uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(m.String()))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// Shares that must be found: of all that an API server refuses, and of all that is wrong
// by the way it is made.
const (
	wantFound = 0.95
	wantWrong = 0.95
)

// TestMutations breaks one thing of a clean repository at a time, and counts what is
// found. A few are made unless -mutations says how many; -mutations.seed makes others.
func TestMutations(t *testing.T) {
	t.Parallel()
	whole(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	server, err := startServer(ctx, realOptions{real: true, program: devclusterProgram(t)}, minor(defaultKubeVersion))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	}()
	all := specimens(t)
	l := newLaboratory(ctx, t)
	for _, s := range all {
		if err := l.keep(ctx, s); err != nil {
			t.Fatal(err)
		}
		for _, f := range l.originals[s].report.Findings {
			if !s.parts || validate.Refused(f.Rule) {
				t.Errorf("a false alarm: %s, as it is: %s", s.name, f)
			}
		}
	}
	experiments := chosen(t, all)
	if err := l.runAll(ctx, experiments, 2*runtime.GOMAXPROCS(0)); err != nil {
		t.Fatal(err)
	}
	if err := l.ask(ctx, server, experiments); err != nil {
		t.Fatal(err)
	}
	table := newMutationTable()
	for _, r := range experiments {
		table.count(t, r)
	}
	t.Logf("seed %d:\n%s", *mutationsSeed, table)
	table.judge(t)
}

// chosen takes as many of each class as there are, in turn, until it has enough.
func chosen(t *testing.T, all []*specimen) []*experiment {
	t.Helper()
	only := regexp.MustCompile(*mutationsOnly)
	classes := mutationClasses()
	lists := make([][]*mutation, len(classes))
	var g errgroup.Group
	for i, c := range classes {
		g.Go(func() error {
			lists[i] = c.list(all, only)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	var experiments []*experiment
	for row := 0; ; row++ {
		more := false
		for i := range lists {
			if len(experiments) == *mutationsCount {
				return experiments
			}
			if row >= len(lists[i]) {
				continue
			}
			more = true
			m := lists[i][row]
			if mutant := m.make(m.random(*mutationsSeed)); mutant != nil {
				experiments = append(experiments, &experiment{mutation: m, mutant: mutant})
			}
		}
		if !more {
			return experiments
		}
	}
}

// list has the mutations of a class in an order of chance, of each specimen as many as
// of others, as long as there are.
func (c *class) list(all []*specimen, only *regexp.Regexp) []*mutation {
	h := fnv.New64a()
	h.Write([]byte(c.name))
	r := rand.New(rand.NewPCG(*mutationsSeed, h.Sum64()))
	groups := make([][]*mutation, len(all))
	for i, s := range all {
		for _, m := range c.of(s) {
			m.class, m.of = c, s
			if only.MatchString(m.String()) {
				groups[i] = append(groups[i], &m)
			}
		}
		r.Shuffle(len(groups[i]), func(a, b int) { groups[i][a], groups[i][b] = groups[i][b], groups[i][a] })
	}
	r.Shuffle(len(groups), func(a, b int) { groups[a], groups[b] = groups[b], groups[a] })
	var list []*mutation
	for row := 0; ; row++ {
		before := len(list)
		for _, group := range groups {
			if row < len(group) {
				list = append(list, group[row])
			}
		}
		if len(list) == before {
			return list
		}
	}
}

// A mutationTable counts by class.
type mutationTable struct {
	rows  map[*class]*mutationRow
	order []*class
}

// A mutationRow counts mutants of one class.
type mutationRow struct {
	made, same, unrendered, refused, want, found, beyond int
}

func newMutationTable() *mutationTable { return &mutationTable{rows: map[*class]*mutationRow{}} }

func (m *mutationTable) count(t *testing.T, r *experiment) {
	t.Helper()
	row := m.rows[r.class]
	if row == nil {
		row = &mutationRow{}
		m.rows[r.class] = row
		m.order = append(m.order, r.class)
	}
	row.made++
	if r.same && !r.unrendered && !r.class.files && r.class.truth != harmless {
		row.same++
		return
	}
	found := len(r.found) > 0
	if r.unrendered {
		row.unrendered++
	}
	if len(r.refused) > 0 {
		row.refused++
	}
	switch {
	case r.class.truth == harmless:
		row.want++
		if found || len(r.refused) > 0 {
			t.Errorf("a false alarm: %s", r.story())
		} else {
			row.found++
		}
		return
	case r.class.truth == asServer && len(r.refused) == 0 && !r.unrendered:
		if found {
			row.beyond++
		}
		if slices.ContainsFunc(r.found, r.refusedWrongly) {
			t.Errorf("a false alarm, the API server takes it: %s", r.story())
		}
		return
	}
	row.want++
	if found {
		row.found++
	} else if *mutationsShown {
		t.Logf("not found: %s", r.story())
	}
}

// refusedWrongly says whether a finding is that an API server refuses something that it
// was asked about. What does not fit into 32 bits it takes, and reads the lower ones.
func (r *experiment) refusedWrongly(f validate.Finding) bool {
	return validate.Refused(f.Rule) && r.changed[f.Object] && !strings.Contains(f.Message, "32 bits")
}

// story is what was done, and what came of it.
func (r *experiment) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  (-mutations.seed %d -mutations.only '^%s$')\n%s", r, *mutationsSeed, regexp.QuoteMeta(r.String()), r.of.diff(r.mutant))
	for _, f := range r.found {
		fmt.Fprintf(&b, "  found: %s\n", f)
	}
	for _, text := range r.refused {
		fmt.Fprintf(&b, "  the API server: %s\n", text)
	}
	return b.String()
}

func (m *mutationTable) String() string {
	rows := [][]string{{"CLASS", "MADE", "NO EFFECT", "NO RENDER", "REFUSED", "TO FIND", "FOUND", "RATE", "FLOOR", "BEYOND"}}
	slices.SortStableFunc(m.order, func(a, b *class) int { return int(a.truth) - int(b.truth) })
	for _, c := range m.order {
		r := m.rows[c]
		rows = append(rows, []string{c.name, fmt.Sprint(r.made), fmt.Sprint(r.same), fmt.Sprint(r.unrendered), fmt.Sprint(r.refused), fmt.Sprint(r.want), fmt.Sprint(r.found), percent(r.found, r.want), fmt.Sprintf("%.0f %%", 100*c.floor), fmt.Sprint(r.beyond)})
	}
	var b bytes.Buffer
	newScreen(&b).table(rows)
	for truth, name := range map[truth]string{asServer: "the API server refuses, or nothing renders", wrong: "wrong by the way it is made", harmless: "harmless, and nothing is found"} {
		found, want := m.total(truth)
		fmt.Fprintf(&b, "%s: %d of %d, %s\n", name, found, want, percent(found, want))
	}
	return b.String()
}

func percent(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

func (m *mutationTable) total(of truth) (found, want int) {
	for c, r := range m.rows {
		if c.truth == of {
			found, want = found+r.found, want+r.want
		}
	}
	return found, want
}

// slack is how many more than a share may be missed: of a few a share says little.
const slack = 2

// tooFew says whether less than a share is found.
func tooFew(found, want int, share float64) bool {
	return float64(want-found) > (1-share)*float64(want)+slack
}

func (m *mutationTable) judge(t *testing.T) {
	t.Helper()
	if found, want := m.total(asServer); tooFew(found, want, wantFound) {
		t.Errorf("of what an API server refuses %s is found: it must be %.0f %%", percent(found, want), 100*wantFound)
	}
	if found, want := m.total(wrong); tooFew(found, want, wantWrong) {
		t.Errorf("of what is wrong by the way it is made %s is found: it must be %.0f %%", percent(found, want), 100*wantWrong)
	}
	for c, r := range m.rows {
		if c.truth != harmless && tooFew(r.found, r.want, c.floor) {
			t.Errorf("of the class %q %s is found: it must be %.0f %%", c.name, percent(r.found, r.want), 100*c.floor)
		}
	}
}

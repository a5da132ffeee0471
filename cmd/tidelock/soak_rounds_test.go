package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// A soakRound is what the agent holds at rest after a round, and what it did in it.
type soakRound struct {
	took       time.Duration
	goroutines int
	fds        int
	heap       int // KiB, after a collection
	rss        int // KiB
	series     int
	plugins    int // processes
	files      int // of all that it may write to
	passes     int
	asked      testenv.Requests
}

type soakRounds []soakRound

// soakSlow is how long one event takes that is worth a line.
const soakSlow = 20 * time.Second

// round has everything happen once: in their order in the first round, and then in any.
func (s *soak) round(ctx context.Context, t *testing.T) {
	t.Helper()
	events, begun := slices.Clone(soakEvents), time.Now()
	if len(s.rounds) > 0 {
		s.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	}
	passes := s.passes(ctx, t)
	for _, e := range events {
		since := time.Now()
		e.do(s, ctx, t)
		s.settled(ctx, t)
		if took := time.Since(since); len(s.rounds) == 0 || took > soakSlow {
			t.Logf("round %d: %s: all was as it should be after %s", len(s.rounds)+1, e.name, took.Round(time.Millisecond))
		}
	}
	s.answered(ctx, t)
	r := soakRound{asked: s.rest(ctx, t)}
	r.took, r.passes = time.Since(begun).Round(100*time.Millisecond), int(s.passes(ctx, t)-passes)
	s.measure(ctx, t, &r)
	s.discreet(t)
	s.rounds = append(s.rounds, r)
}

// answered asks for a look at each Application, of which none may be lost.
func (s *soak) answered(ctx context.Context, t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(ctx, soakPatience, fmt.Errorf("not within %s", soakPatience))
	defer cancel()
	ask := fmt.Appendf(nil, `{"metadata": {"annotations": {%q: "normal"}}}`, api.AnnotationRefresh)
	for _, app := range s.apps {
		if _, err := s.cluster.Dynamic.Resource(testenv.Applications).Namespace(soakNamespace).Patch(ctx, app.name, types.MergePatchType, ask, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, app := range s.apps {
		if err := s.cluster.UntilApplication(ctx, soakNamespace, app.name, func(a *api.Application) bool { return a.Annotations[api.AnnotationRefresh] == "" }); err != nil {
			t.Fatalf("a look that was asked for was not made: %v", err)
		}
	}
}

// rest waits until the agent has looked at each Application twice without asking the API
// server for anything, and returns what it asked for before.
func (s *soak) rest(ctx context.Context, t *testing.T) testenv.Requests {
	t.Helper()
	all := testenv.Requests{}
	var asked testenv.Requests
	next := func() {
		var err error
		if asked, err = s.cluster.Audit.Next(); err != nil {
			t.Fatal(err)
		}
		for request, n := range asked {
			all[request] += n
			if verb, of, _ := strings.Cut(request, " "); verb == "watch" || verb == "list" || of == "leases" {
				delete(asked, request) // as watches end by themselves
			}
		}
	}
	s.until(ctx, t, "the agent is at rest", func() (bool, error) {
		next()
		passes := s.passes(ctx, t)
		s.until(ctx, t, "all Applications are looked at twice", func() (bool, error) {
			return s.passes(ctx, t) >= passes+float64(2*len(s.apps)), nil
		})
		next()
		if len(asked) > 0 {
			return false, fmt.Errorf("while nothing happened it asked for %s", asked)
		}
		return true, nil
	})
	return all
}

// until waits until something is so. An error says why it is not yet.
func (s *soak) until(ctx context.Context, t *testing.T, what string, is func() (bool, error)) {
	t.Helper()
	for end := time.Now().Add(soakPatience); ; {
		done, err := is()
		if done && err == nil {
			return
		}
		if time.Now().After(end) || ctx.Err() != nil {
			t.Fatalf("it is not so that %s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// passes is how many looks at Applications there were.
func (s *soak) passes(ctx context.Context, t *testing.T) float64 {
	t.Helper()
	n, err := s.counted(ctx, "argocd_app_reconcile_count{")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// counted is the sum of the agent's series that begin so.
func (s *soak) counted(ctx context.Context, prefix string) (sum float64, err error) {
	text, err := s.agent.MetricsText(ctx)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' ')+1:]), 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// measure fills in what the agent holds now.
func (s *soak) measure(ctx context.Context, t *testing.T, r *soakRound) {
	t.Helper()
	heap, err := s.agent.Heap(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.agent.MetricsText(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			r.series++
		}
	}
	for metric, to := range map[string]*int{"go_goroutines ": &r.goroutines, "process_open_fds ": &r.fds, "process_resident_memory_bytes ": &r.rss} {
		n, err := s.counted(ctx, metric)
		if err != nil {
			t.Fatal(err)
		}
		*to = int(n)
	}
	r.heap, r.rss = int(heap>>10), r.rss>>10
	live, err := s.agent.Processes()
	if err != nil {
		t.Fatal(err)
	}
	s.until(ctx, t, "all processes that have ended were waited for", func() (bool, error) {
		ended, err := s.agent.Zombies()
		return len(ended) == 0, err
	})
	r.plugins = len(live) - 1
	for _, dir := range s.agent.Dirs() {
		r.files += filesBelow(dir)
	}
}

func filesBelow(dir string) (n int) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0 // it is gone
	}
	for _, e := range entries {
		n++
		if e.IsDir() {
			n += filesBelow(dir + "/" + e.Name())
		}
	}
	return n
}

func (all soakRounds) String() string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "round\ttook\tgoroutines\tfds\theap KiB\tRSS KiB\tseries\tplugins\tfiles\tpasses\trequests\t\n")
	for i, r := range all {
		fmt.Fprintf(table, "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t %s\n", i+1, r.took, r.goroutines, r.fds, r.heap, r.rss, r.series, r.plugins, r.files, r.passes, r.asked.Total(), r.asked)
	}
	_ = table.Flush() // to memory
	return b.String()
}

// level compares rounds 2 to 4 with the last three, of each the least.
func (all soakRounds) level(t *testing.T) {
	t.Helper()
	if len(all) < 8 {
		return // too few to tell
	}
	early, late := all[1:4], all[len(all)-3:]
	for _, is := range []struct {
		what  string
		slack int // in percent
		more  int // besides
		n     func(soakRound) int
	}{
		{"goroutines", 5, 0, func(r soakRound) int { return r.goroutines }},   // connections that are idle have two each
		{"open files", 20, 0, func(r soakRound) int { return r.fds }},         // likewise, and packs, of which sixteen are merged
		{"KiB of heap", 10, 5 << 10, func(r soakRound) int { return r.heap }}, // of a repository 4 MiB of small objects are kept, and its directories and what tells where each object is
		{"KiB resident", 25, 0, func(r soakRound) int { return r.rss }},       // what is free is given back by and by
		{"series", 15, 0, func(r soakRound) int { return r.series }},          // those of requests begin anew with a Lease
		{"plugins", 35, 0, func(r soakRound) int { return r.plugins }},        // two of one run when calls overlap
		{"files on disk", 60, 0, func(r soakRound) int { return r.files }},    // packs, likewise
		{"requests", 25, 0, func(r soakRound) int { return r.asked.Total() }}, // the longer something is away, the more is tried again
	} {
		least := func(of soakRounds) int {
			return is.n(slices.MinFunc(of, func(a, b soakRound) int { return is.n(a) - is.n(b) }))
		}
		if before, after := least(early), least(late); after > before+before*is.slack/100+is.more {
			t.Errorf("%d %s have become %d", before, is.what, after)
		}
	}
}

// lastWords are those of a program that dies, or of a part of it.
var lastWords = regexp.MustCompile(`panic|fatal error|goroutine \d+ \[|DATA RACE`)

// discreet searches what the agent has logged and written in a round for that round's
// secrets, and for parts of it that died.
func (s *soak) discreet(t *testing.T) {
	t.Helper()
	all := s.canaries
	for _, token := range s.tokens.shown {
		all = append(all, testenv.Canary{Name: "a token", Text: token[strings.LastIndexByte(token, '.')+1:]})
	}
	canaries := testenv.NewCanaries(all...)
	log := s.logged(t)
	found := canaries.Search("the log", log)
	for _, dir := range s.agent.Dirs() {
		more, err := canaries.Files(dir)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, more...)
	}
	if len(found) > 0 {
		t.Errorf("secrets stand where they may not: %s", found)
	}
	for line := range bytes.Lines(log) {
		if lastWords.Match(line) {
			t.Errorf("the log has: %s", line)
		}
	}
	s.canaries = nil
	s.tokens.forget()
}

// logged is what the agent has logged since the last time.
func (s *soak) logged(t *testing.T) []byte {
	t.Helper()
	file, err := os.Open(s.agent.Log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(s.read, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	s.read += int64(len(text))
	return text
}

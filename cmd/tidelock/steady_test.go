package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// With -steady.passes 480, which are those of a day, what the agent's process holds
// shows how it grows; TestDay lives through a day in seconds, but without processes.
var (
	steadyPasses       = flag.Int("steady.passes", 10, "how often TestAudited/steady has each Application looked at, on average, while nothing happens")
	steadyApplications = flag.Int("steady.applications", 5, "how many Applications TestAudited/steady has")
)

// steady proves, by the API server's own request metrics and by its audit log, that
// an agent with nothing to do asks it for nothing, however often it looks at its
// Applications; and that a commit which changes one object costs an apply of it, a
// dry run at most, and the reports.
func (w *world) steady(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), convergence+2*time.Duration(*steadyPasses)*time.Second)
	defer cancel()
	f := w.newFlock(t, "steady", *steadyApplications)
	f.startAgent(t, f.kubeconfig, "--refresh-interval=1s", "--poll-interval=1s")
	defer f.stopAgent(t)
	f.roll(t, 0)
	f.untilSilent(ctx, t)

	passes := f.passes(ctx, t)
	before := f.requests(ctx, t)
	var holds holdings
	for part := range steadyParts {
		for f.passes(ctx, t) < passes+float64(*steadyPasses*f.n*(part+1)/steadyParts) {
			f.look(ctx, t)
		}
		holds = append(holds, f.holds(ctx, t))
	}
	holds.level(t)
	after := f.requests(ctx, t)
	asked, err := f.asked()
	if err != nil {
		t.Fatal(err)
	}
	if *steadyPasses >= steadyLong {
		maps.DeleteFunc(asked, begunAnew)
		maps.DeleteFunc(after, func(request string, _ float64) bool { return strings.HasPrefix(request, "LIST ") })
	}
	if len(asked) > 0 {
		t.Errorf("while nothing happened the agent made these requests: %s", asked)
	}
	for request, count := range after {
		if count > before[request] {
			t.Errorf("while nothing happened the API server's metrics count %v more of %s", count-before[request], request)
		}
	}

	f.change(ctx, t)
	asked, err = f.asked()
	if err != nil {
		t.Fatal(err)
	}
	if *steadyPasses >= steadyLong {
		maps.DeleteFunc(asked, begunAnew)
	}
	t.Logf("a commit that changes one ConfigMap of %d Applications of 6 objects costs %s", f.n, asked)
	for request, count := range asked {
		switch request {
		case "apply configmaps":
			if count != 1 {
				t.Errorf("%d applies, want 1", count)
			}
		case "dry-run configmaps":
			if count > 1 {
				t.Errorf("%d dry runs, want 1 at most", count)
			}
		case "patch applications": // all of them name the commit
		case "create events", "patch events": // the sync began, and ended
			if count > 2 {
				t.Errorf("%d %s, want 2 at most", count, request)
			}
		default:
			t.Errorf("the sync of one ConfigMap made %d %s", count, request)
		}
	}
	if asked["apply configmaps"] == 0 {
		t.Error("nothing was applied")
	}
}

// steadyParts is how often it is looked at what the agent holds meanwhile.
const steadyParts = 6

// steadyLong is from how many passes on there is time for what the agent holds to grow,
// and for watches to end by themselves, which takes minutes; controllers list then what
// the agent does not.
const steadyLong = 100

// begunAnew says that a request is a watch.
func begunAnew(request string, _ int) bool { return strings.HasPrefix(request, "watch ") }

// heldNow is what the agent's process holds, by the names of its metrics.
type heldNow map[string]float64

type holdings []heldNow

func (f *flock) holds(ctx context.Context, t *testing.T) heldNow {
	t.Helper()
	text, err := f.agent.MetricsText(ctx)
	if err != nil {
		t.Fatal(err)
	}
	h := heldNow{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "go_goroutines", "process_open_fds", "process_resident_memory_bytes", "tidelock_plugin_processes":
			if h[name], err = strconv.ParseFloat(value, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return h
}

// level shows them, and compares the second with the last if there was time to grow.
// Passes that are under way have goroutines of their own, and memory is collected when
// there is twice as much.
func (all holdings) level(t *testing.T) {
	t.Helper()
	for _, h := range all {
		t.Logf("the agent holds %v", h)
	}
	if *steadyPasses < steadyLong {
		return
	}
	before, after := all[1], all[len(all)-1]
	for name, n := range before {
		if after[name] > n*1.3 {
			t.Errorf("%s was %v, and is %v", name, n, after[name])
		}
	}
}

// untilSilent waits until the agent has made no request for two refresh
// intervals of every Application: until its last words on the sync are said.
func (f *flock) untilSilent(ctx context.Context, t *testing.T) {
	t.Helper()
	for {
		if _, err := f.asked(); err != nil {
			t.Fatal(err)
		}
		passes := f.passes(ctx, t)
		for f.passes(ctx, t) < passes+2*float64(f.n) {
			f.look(ctx, t)
		}
		asked, err := f.asked()
		if err != nil {
			t.Fatal(err)
		}
		if len(asked) == 0 {
			return
		}
	}
}

// renewals are how a replica says that it lives, for as long as it does.
const renewals = "update leases"

// asked counts the requests of the agent since the last call, but for its renewals.
func (f *flock) asked() (testenv.Requests, error) {
	asked, err := f.cluster.Audit.Next()
	delete(asked, renewals)
	return asked, err
}

// look lets a moment pass.
func (f *flock) look(ctx context.Context, t *testing.T) {
	t.Helper()
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
		t.Fatal("the agent does not come to rest: ", context.Cause(ctx))
	}
}

// change pushes another first ConfigMap of the first Application alone, and waits
// until all Applications name the commit.
func (f *flock) change(ctx context.Context, t *testing.T) {
	t.Helper()
	content := strings.Replace(fmt.Sprintf(fleetFile, f.member(0), "0"), `version: "0"}`, `version: "1"}`, 1)
	if err := f.repo.Write(f.member(0)+"/app.yaml", []byte(content)); err != nil {
		t.Fatal(err)
	}
	commit, err := f.repo.Push(ctx, "one object")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.repo.Announce(ctx, f.agent.Webhook()); err != nil {
		t.Fatal(err)
	}
	for i := range f.n {
		if err := f.cluster.UntilApplication(ctx, f.namespace(), f.member(i), testenv.SyncedAt(commit)); err != nil {
			t.Fatal(err)
		}
	}
}

// passes is how many passes the agent has made over Applications.
func (f *flock) passes(ctx context.Context, t *testing.T) (n float64) {
	t.Helper()
	text, err := f.agent.MetricsText(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "argocd_app_reconcile_count{"); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndex(rest, "}")+1:]), 64)
			if err != nil {
				t.Fatal(err)
			}
			n += value
		}
	}
	return n
}

// counted are the requests that only the agent makes here: all but watches, for
// what an Application states, and for Applications. Controllers, which share the
// cluster, have no reason for any while nothing changes.
var counted = regexp.MustCompile(`^apiserver_request_total\{.*resource="(applications|appprojects|configmaps|secrets|serviceaccounts|services|deployments)".*verb="(GET|LIST|POST|PUT|PATCH|APPLY|DELETE|DELETECOLLECTION)".*\} (\S+)$`)

// requests reads the API server's own metrics.
func (f *flock) requests(ctx context.Context, t *testing.T) map[string]float64 {
	t.Helper()
	text, err := f.cluster.Typed.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		match := counted.FindStringSubmatch(lines.Text())
		if match == nil {
			continue
		}
		value, err := strconv.ParseFloat(match[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		counts[match[2]+" "+match[1]] += value
	}
	if len(counts) == 0 {
		t.Fatal("the API server's metrics have no requests in them")
	}
	return counts
}

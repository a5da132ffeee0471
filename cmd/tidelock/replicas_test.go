package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

var (
	replicatedApplications = flag.Int("replicas.applications", 16, "how many Applications TestReplicas has")
	replicasFor            = flag.Duration("replicas.for", 0, "for how long TestReplicas kills replicas at random, after the few kills that it always makes")
	replicasLease          = flag.Duration("replicas.lease", 6*time.Second, "for how long a Lease of TestReplicas is good")
	replicasSeed           = flag.Uint64("replicas.seed", 1, "whom it kills, and when")
)

// replicatedFile is an Application with a hook before its sync: of an object of each the
// version is told.
const replicatedFile = `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {argocd.argoproj.io/hook: PreSync, version: "%[2]s"}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {devcluster.tidelock.io/delay: 200ms}}
    spec: {restartPolicy: Never, containers: [{name: main, image: "example.com/job:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, annotations: {version: "%[2]s"}}
data: {name: %[1]s}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: last, annotations: {version: "%[2]s", argocd.argoproj.io/sync-wave: "1"}}
data: {name: %[1]s}
`

// roamingFile is an object that goes from one Application to another.
const roamingFile = `apiVersion: v1
kind: ConfigMap
metadata: {name: roaming, namespace: %s}
data: {at: "%s"}
`

// A pack is replicas of one installation, which divide the Applications of a flock.
type pack struct {
	*flock
	*rand.Rand
	agents        []*testenv.Agent // nil where none runs
	options       []testenv.AgentOptions
	version       int
	states        map[int]int // the version that each Application is to have
	commit        string
	commits       int
	deaths        int
	killed, ended takeovers
}

// takeovers are how long it took from signals until all Applications were somebody's, and
// until whose they were had looked at each.
type takeovers struct{ owned, looked []time.Duration }

func (o takeovers) String() string {
	return "in " + spread(o.owned) + ", and was looked at in " + spread(o.looked)
}

// TestReplicas: three replicas divide the Applications while commits come in, and are
// told to end and killed. At the end all is as the last commit says; what the API
// server told meanwhile, and its audit log, show that no hook ran twice for a commit, that
// nothing ever went back to an older version, that nothing was deleted, and that nobody
// wrote on what was another's.
func TestReplicas(t *testing.T) {
	whole(t)
	t.Parallel()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := testenv.StartWitnessed(t.Context(), bin, t.TempDir(), testenv.ServiceAccountUser("agent-replicas", install.Name),
		schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}, schema.GroupResource{Group: "batch", Resource: "jobs"}, schema.GroupResource{Resource: "configmaps"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOn(t, bin, cluster)
	f := w.newFlock(t, "replicas", *replicatedApplications)
	p := &pack{flock: f, Rand: rand.New(rand.NewPCG(*replicasSeed, 7)), agents: make([]*testenv.Agent, 3), states: map[int]int{}}
	ctx, cancel := context.WithTimeout(t.Context(), convergence+2**replicasFor)
	defer cancel()
	jobs, configMaps := schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}, schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	recording, err := w.cluster.Record(ctx, "", jobs, configMaps, testenv.Applications)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.agents {
		p.begin(ctx, t, i)
	}
	defer p.end(t)
	p.push(ctx, t, f.n)
	f.create(ctx, t)
	p.until(ctx, t, owned, time.Now())
	p.untilSynced(ctx, t)
	p.roams(ctx, t)
	p.dies(ctx, t)
	p.untilSynced(ctx, t)
	p.eachOnce(ctx, t)
	if err := recording.Stop(); err != nil {
		t.Fatal(err)
	}
	p.proves(t, recording.Events())
	writes, err := w.cluster.Audit.Writes()
	if err != nil {
		t.Fatal(err)
	}
	p.judges(t, writes)
	t.Logf("%d Applications, %d commits, %d deaths, a Lease of %s; from SIGTERM on each had a replica %s; from SIGKILL on %s",
		f.n, p.commits, p.deaths, *replicasLease, p.ended, p.killed)
}

// spread is the median and the greatest of some times, and how many there are.
func spread(took []time.Duration) string {
	slices.Sort(took)
	return fmt.Sprintf("%s (median of %d; at most %s)", took[len(took)/2].Round(time.Millisecond), len(took), took[len(took)-1].Round(time.Millisecond))
}

// begin starts a replica, at the place where it was before.
func (p *pack) begin(ctx context.Context, t *testing.T, i int) {
	t.Helper()
	if len(p.options) <= i {
		dir := filepath.Join(p.dir, fmt.Sprint("agent-", i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		kubeconfig := filepath.Join(dir, "kubeconfig") // with a token of its own
		if err := p.cluster.Person(ctx, p.namespace(), install.Name, kubeconfig); err != nil {
			t.Fatal(err)
		}
		p.options = append(p.options, testenv.AgentOptions{
			Binary: p.bin.Tidelock, Kubeconfig: kubeconfig, Dir: dir, SealedSecretsNamespace: p.namespace(),
			Flags: []string{"--namespace", p.namespace(), "--lease-duration", replicasLease.String()},
		})
	}
	var err error
	if p.agents[i], err = testenv.StartAgent(ctx, p.options[i]); err != nil {
		t.Fatal(err)
	}
}

func (p *pack) end(t *testing.T) {
	for i, a := range p.agents {
		if a == nil {
			continue
		}
		if t.Failed() {
			t.Logf("the end of the log of replica %d:\n%s", i, testenv.Tail(a.Log, 15))
		}
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	}
}

// push commits a new version of some of the Applications, and tells one replica.
func (p *pack) push(ctx context.Context, t *testing.T, some int) {
	t.Helper()
	p.version++
	for _, i := range p.Perm(p.n)[:some] {
		p.states[i] = p.version
		if err := p.repo.Write(p.member(i)+"/app.yaml", fmt.Appendf(nil, replicatedFile, p.member(i), strconv.Itoa(p.version))); err != nil {
			t.Fatal(err)
		}
	}
	p.publish(ctx, t)
}

func (p *pack) publish(ctx context.Context, t *testing.T) {
	t.Helper()
	var err error
	if p.commit, err = p.repo.Push(ctx, fmt.Sprint("version ", p.version)); err != nil {
		t.Fatal(err)
	}
	p.commits++
	alive := p.alive()
	if err := p.repo.Announce(ctx, p.agents[alive[p.IntN(len(alive))]].Webhook()); err != nil {
		t.Fatal(err)
	}
}

func (p *pack) alive() (alive []int) {
	for i, a := range p.agents {
		if a != nil {
			alive = append(alive, i)
		}
	}
	return alive
}

// What a replica says of how many Applications it works on, and has looked at of these.
const (
	owned  = "tidelock_owned_applications"
	looked = "tidelock_applications_looked_at"
)

// sum is what the replicas say in all; -1 if one does not answer.
func (p *pack) sum(ctx context.Context, metric string) (sum int) {
	for _, i := range p.alive() {
		text, err := p.agents[i].MetricsText(ctx)
		if err != nil {
			return -1
		}
		for line := range strings.Lines(string(text)) {
			if n, ok := strings.CutPrefix(line, metric+" "); ok {
				count, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
				if err != nil {
					return -1
				}
				sum += int(count)
			}
		}
	}
	return sum
}

// until waits until the replicas say so of each Application, and returns how long that
// took.
func (p *pack) until(ctx context.Context, t *testing.T, metric string, since time.Time) time.Duration {
	t.Helper()
	last := 0
	for ; last != p.n; last = p.sum(ctx, metric) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s is %d in all, of %d Applications", metric, last, p.n)
		}
	}
	return time.Since(since)
}

// untilSynced pushes one more commit of all, and waits until all is so.
func (p *pack) untilSynced(ctx context.Context, t *testing.T) {
	t.Helper()
	p.push(ctx, t, p.n)
	for i := range p.n {
		if err := p.cluster.UntilApplication(ctx, p.namespace(), p.member(i), testenv.SyncedAt(p.commit)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range p.n {
		settings, err := p.cluster.Typed.CoreV1().ConfigMaps(p.member(i)).Get(ctx, "settings", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := settings.Annotations["version"], strconv.Itoa(p.states[i]); got != want {
			t.Errorf("%s has version %s, want %s", p.member(i), got, want)
		}
	}
}

// owner is the replica whose Application it is, by the Leases.
func (p *pack) owner(ctx context.Context, t *testing.T, i int) string {
	t.Helper()
	leases, err := p.cluster.Typed.CoordinationV1().Leases(p.namespace()).List(ctx, metav1.ListOptions{LabelSelector: shard.LabelMember})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, l := range leases.Items {
		ids = append(ids, l.Name)
	}
	return shard.Owner(ids, types.NamespacedName{Namespace: p.namespace(), Name: p.member(i)})
}

// roams moves an object from one Application to another, to one of another replica each
// time, in one commit each.
func (p *pack) roams(ctx context.Context, t *testing.T) {
	t.Helper()
	at := -1
	var uid types.UID
	for range 3 {
		to := p.IntN(p.n)
		for at >= 0 && p.owner(ctx, t, to) == p.owner(ctx, t, at) {
			to = p.IntN(p.n)
		}
		if at >= 0 {
			if err := p.repo.Remove(p.member(at) + "/roaming.yaml"); err != nil {
				t.Fatal(err)
			}
		}
		at = to
		if err := p.repo.Write(p.member(at)+"/roaming.yaml", fmt.Appendf(nil, roamingFile, p.member(0), p.member(at))); err != nil {
			t.Fatal(err)
		}
		p.publish(ctx, t)
		err := p.cluster.Until(ctx, schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, p.member(0), "roaming", func(o *unstructured.Unstructured) (bool, string) {
			if o == nil {
				return false, "absent"
			}
			if uid == "" {
				uid = o.GetUID()
			}
			if uid != o.GetUID() {
				t.Errorf("%s was deleted on its way, and made anew", "roaming")
				uid = o.GetUID()
			}
			where, _, _ := unstructured.NestedString(o.Object, "data", "at")
			return where == p.member(at), "at " + where
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// dies has replicas end in each way once, and then at random for as long as asked for.
func (p *pack) dies(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, kill := range []bool{true, false} {
		i := p.IntN(len(p.agents))
		p.push(ctx, t, 1+p.IntN(p.n))
		time.Sleep(time.Duration(p.IntN(1500)) * time.Millisecond) // no wait for anything: it may come at any moment of a sync
		p.death(ctx, t, i, kill, true)
	}
	for until := time.Now().Add(*replicasFor); time.Now().Before(until); {
		i := p.IntN(len(p.agents))
		for range p.IntN(4) {
			p.push(ctx, t, 1+p.IntN(p.n/5+1))
			time.Sleep(time.Duration(p.IntN(3000)) * time.Millisecond) // likewise
		}
		p.death(ctx, t, i, p.IntN(2) == 0, p.IntN(2) == 0)
	}
	p.until(ctx, t, owned, time.Now())
}

// death ends a replica, by SIGKILL or SIGTERM, and begins another process in its place: at
// once, at any moment; or, once each Application is somebody's, when the others have taken
// over what was its, which is timed.
func (p *pack) death(ctx context.Context, t *testing.T, i int, kill, wait bool) {
	t.Helper()
	p.deaths++
	end, took, signal := p.agents[i].Stop, &p.ended, "SIGTERM"
	if kill {
		end, took, signal = p.agents[i].Kill, &p.killed, "SIGKILL"
	}
	if wait {
		p.until(ctx, t, owned, time.Now())
	}
	p.agents[i] = nil
	since := time.Now()
	var g errgroup.Group
	g.Go(end)
	if wait {
		took.owned = append(took.owned, p.until(ctx, t, owned, since))
		took.looked = append(took.looked, p.until(ctx, t, looked, since))
		t.Logf("death %d, %s: taken over in %s, looked at in %s", p.deaths, signal, took.owned[len(took.owned)-1], took.looked[len(took.looked)-1])
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	p.begin(ctx, t, i)
}

// proves goes through all that the API server told.
func (p *pack) proves(t *testing.T, events []testenv.Event) {
	t.Helper()
	hooks := map[string]map[types.UID]bool{} // by namespace, version and operation
	syncs := map[string]map[string]bool{}    // beginnings of operations by Application and commit
	at := map[string]int{}                   // the last version of each object
	uids := map[string]types.UID{}
	for _, e := range events {
		o := e.Object
		if o.GetKind() == "Application" {
			note(t, syncs, o)
			continue
		}
		if !strings.HasPrefix(o.GetNamespace(), p.name+"-") || o.GetAnnotations()[api.AnnotationTrackingID] == "" {
			continue
		}
		version, name := o.GetAnnotations()["version"], o.GetNamespace()+"/"+o.GetName()
		if o.GetKind() == "Job" {
			run := name + " of version " + version + " in operation " + o.GetAnnotations()[api.AnnotationOperation]
			if hooks[run] == nil {
				hooks[run] = map[types.UID]bool{}
			}
			hooks[run][o.GetUID()] = true
			continue
		}
		if e.Type == watch.Deleted {
			t.Errorf("ConfigMap %s was deleted", name)
		}
		if before := uids[name]; before != "" && before != o.GetUID() {
			t.Errorf("ConfigMap %s was made anew", name)
		}
		uids[name] = o.GetUID()
		if n, err := strconv.Atoi(version); err == nil {
			if n < at[name] {
				t.Errorf("ConfigMap %s went from version %d back to %d", name, at[name], n)
			}
			at[name] = n
		}
	}
	for _, run := range slices.Sorted(maps.Keys(hooks)) {
		if n := len(hooks[run]); n > 1 {
			t.Errorf("hook %s ran %d times", run, n)
		}
	}
	for _, sync := range slices.Sorted(maps.Keys(syncs)) {
		if n := len(syncs[sync]); n > 1 {
			t.Errorf("%s began %d operations: %s", sync, n, slices.Sorted(maps.Keys(syncs[sync])))
		}
	}
	t.Logf("%d operations and %d hooks ran; %d objects", len(syncs), len(hooks), len(uids))
}

// note takes down that an Application was synced as a whole to a commit, and when that
// began.
func note(t *testing.T, syncs map[string]map[string]bool, o *unstructured.Unstructured) {
	t.Helper()
	app, err := testenv.ReadApplication(o)
	if err != nil {
		t.Fatal(err)
	}
	op := app.Status.OperationState
	if op == nil || op.Operation.Sync == nil || len(op.Operation.Sync.Resources) > 0 || op.SyncResult == nil {
		return
	}
	sync := app.Name + " at commit " + testenv.Short(op.SyncResult.Revision)
	if syncs[sync] == nil {
		syncs[sync] = map[string]bool{}
	}
	syncs[sync][op.StartedAt.Format(time.TimeOnly)] = true
}

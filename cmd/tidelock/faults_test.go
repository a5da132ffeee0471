package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

var (
	faultyApplications = flag.Int("faults.applications", 20, "how many Applications TestAudited/faults brings up")
	faultsSeed         = flag.Uint64("faults.seed", 1, "which requests fail in TestAudited/faults")
)

// faultsShare is how many of the requests fail.
const faultsShare = 0.1

// convergence bounds how long the Applications may take, all together.
const convergence = 10 * time.Minute

// fleetFiles are an Application of six objects in two waves, in which %[1]s is
// its name.
const fleetFile = `apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, annotations: {argocd.argoproj.io/sync-wave: "-1"}}
data: {name: %[1]s, version: "%[2]s"}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {password: "%[2]s"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {version: "%[2]s"}}
    spec: {serviceAccountName: web, containers: [{name: main, image: "example.com/web:%[2]s"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: last, annotations: {argocd.argoproj.io/sync-wave: "1"}}
data: {version: "%[2]s"}
`

// faults brings up Applications, and then a commit that changes them all, twice:
// with an API server that works, and with one of which a tenth of the requests
// fails. With both all converge; -v says how long each took.
func (w *world) faults(t *testing.T) {
	n := *faultyApplications
	for _, faulty := range []bool{false, true} {
		name := map[bool]string{false: "clean", true: "faulty"}[faulty]
		t.Run(name, func(t *testing.T) {
			f := w.newFlock(t, name, n)
			kubeconfig := f.kubeconfig
			if faulty {
				proxy, err := w.cluster.StartFaults(*faultsSeed, faultsShare)
				if err != nil {
					t.Fatal(err)
				}
				defer proxy.Close()
				if kubeconfig, err = proxy.Kubeconfig(kubeconfig); err != nil {
					t.Fatal(err)
				}
				defer func() { t.Logf("of the proxy with the seed %d: %s", *faultsSeed, proxy) }()
			}
			f.startAgent(t, kubeconfig)
			defer f.stopAgent(t)
			for version := range 2 {
				took := f.roll(t, version)
				t.Logf("%d Applications of 6 objects, version %d, %s: all converged after %s", n, version, name, took.Round(10*time.Millisecond))
			}
		})
	}
}

// A flock is many Applications of one repository, with an agent.
type flock struct {
	*world
	name       string // of the agent's namespace, and the beginning of all others
	n          int
	dir        string
	kubeconfig string
	repo       *testenv.Repository
	agent      *testenv.Agent
}

func (w *world) newFlock(t *testing.T, name string, n int) *flock {
	f := &flock{world: w, name: name, n: n, dir: t.TempDir()}
	f.kubeconfig = filepath.Join(f.dir, "kubeconfig")
	if err := w.cluster.ServiceAccount(t.Context(), f.namespace(), "tidelock", f.kubeconfig); err != nil {
		t.Fatal(err)
	}
	server, err := testenv.StartGit(t.Context(), filepath.Join(f.dir, "git"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	if f.repo, err = server.Create(t.Context(), "fleet"); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *flock) namespace() string { return "agent-" + f.name }

func (f *flock) member(i int) string { return fmt.Sprintf("%s-%03d", f.name, i) }

func (f *flock) startAgent(t *testing.T, kubeconfig string, flags ...string) {
	t.Helper()
	dir := filepath.Join(f.dir, "agent")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	f.agent, err = testenv.StartAgent(t.Context(), testenv.AgentOptions{
		Binary: f.bin.Tidelock, Kubeconfig: kubeconfig, Dir: dir, SealedSecretsNamespace: f.namespace(),
		Flags: append([]string{"--debug", "--namespace", f.namespace()}, flags...),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (f *flock) stopAgent(t *testing.T) {
	if t.Failed() {
		t.Logf("the end of the agent's log:\n%s", testenv.Tail(f.agent.Log, 30))
	}
	if err := f.agent.Stop(); err != nil {
		t.Error(err)
	}
}

// roll pushes a version of all, and returns how long all need to converge.
func (f *flock) roll(t *testing.T, version int) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), convergence)
	defer cancel()
	for i := range f.n {
		content := fmt.Appendf(nil, fleetFile, f.member(i), fmt.Sprint(version))
		if err := f.repo.Write(f.member(i)+"/app.yaml", content); err != nil {
			t.Fatal(err)
		}
	}
	commit, err := f.repo.Push(ctx, fmt.Sprintf("version %d", version))
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := f.repo.Announce(ctx, f.agent.Webhook()); err != nil {
		t.Fatal(err)
	}
	if version == 0 {
		f.create(ctx, t)
	}
	for i := range f.n {
		if err := f.cluster.UntilApplication(ctx, f.namespace(), f.member(i), testenv.SyncedAt(commit)); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(begun)
	f.check(ctx, t, fmt.Sprint(version))
	return took
}

func (f *flock) create(ctx context.Context, t *testing.T) {
	t.Helper()
	for i := range f.n {
		app, err := parse(fmt.Sprintf(application, f.member(i), f.repo.URL, f.member(i), f.member(i)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.cluster.Dynamic.Resource(testenv.Applications).Namespace(f.namespace()).Create(ctx, app, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// check compares the objects with the version, whatever the status says.
func (f *flock) check(ctx context.Context, t *testing.T, version string) {
	t.Helper()
	for i := range f.n {
		typed, namespace := f.cluster.Typed, f.member(i)
		ours := metav1.ListOptions{LabelSelector: api.LabelApp + "=" + f.member(i)}
		settings, err := typed.CoreV1().ConfigMaps(namespace).List(ctx, ours)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range settings.Items {
			if s.Data["version"] != version {
				t.Errorf("ConfigMap %s/%s has version %s, want %s", namespace, s.Name, s.Data["version"], version)
			}
		}
		secrets, err := typed.CoreV1().Secrets(namespace).List(ctx, ours)
		if err != nil {
			t.Fatal(err)
		}
		deployments, err := typed.AppsV1().Deployments(namespace).List(ctx, ours)
		if err != nil {
			t.Fatal(err)
		}
		if len(settings.Items) != 2 || len(secrets.Items) != 1 || len(deployments.Items) != 1 {
			t.Fatalf("%s has %d ConfigMaps, %d Secrets, %d Deployments, want 2, 1, 1", namespace, len(settings.Items), len(secrets.Items), len(deployments.Items))
		}
		if string(secrets.Items[0].Data["password"]) != version {
			t.Errorf("Secret %s/password is not that of version %s", namespace, version)
		}
		if got := deployments.Items[0].Spec.Template.Annotations["version"]; got != version {
			t.Errorf("Deployment %s/web has version %s, want %s", namespace, got, version)
		}
	}
}

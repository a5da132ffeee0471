package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"

	"github.com/tidelock-io/tidelock/agent/appset/forge/forgetest"
	"github.com/tidelock-io/tidelock/agent/git/signature/signaturetest"
	"github.com/tidelock-io/tidelock/agent/notify/notifytest"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// TestE2E runs the stories in testdata/e2e: each is about one agent, a real
// process, which works on a real API server from real Git repositories. They
// share the control plane, so each has namespaces of its own and names its
// Applications after itself. The verbs are listed in [verbs].
//
// In scripts and, as ${NAME}, in the files of a story stand
//
//	NS        the namespace for what Applications state
//	AGENT_NS  the agent's namespace, where Applications and keys are
//	AGENT_URL where the agent listens, once it was started
//	LOG       the agent's log
//	SERVER    the API server's address, for nothing here knows kubernetes.default.svc
//	PATH      with tidelock, whose commands for people find KUBECONFIG
//	REPO      the URL of the repository made last
//	COMMIT    the commit pushed last
//	ROOT      the project's directory
func TestE2E(t *testing.T) {
	t.Parallel()
	whole(t)
	w := newWorld(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/e2e",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return w.begin(t.Context(), env) },
		Cmds:                commands(),
	})
}

// A world is what the stories share.
type world struct {
	bin     testenv.Binaries
	cluster *testenv.Cluster
	kinds   *restmapper.DeferredDiscoveryRESTMapper
}

// programs are brought up to date once.
var programs = sync.OnceValues(func() (testenv.Binaries, error) {
	return testenv.Build(context.Background(), func(string, ...any) {})
})

// newWorld starts a control plane; what users in audit ask of it is counted.
func newWorld(t *testing.T, audit ...string) *world {
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := testenv.StartCluster(t.Context(), bin, t.TempDir(), audit...)
	if err != nil {
		t.Fatal(err)
	}
	return newWorldOn(t, bin, cluster)
}

// newWorldOn is a world on a control plane that was started.
func newWorldOn(t *testing.T, bin testenv.Binaries, cluster *testenv.Cluster) *world {
	t.Helper()
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := cluster.ApplyCRDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	kinds := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(cluster.Typed.Discovery()))
	return &world{bin, cluster, kinds}
}

// A story is one script at its run.
type story struct {
	*world
	dir        string
	namespace  string // the agent's
	kubeconfig string
	agent      *testenv.Agent // nil before its start
	running    bool
	other      *testenv.Agent // of another installation, see "second"; nil if none runs
	git        *gitFront
	repos      map[string]*testenv.Repository
	registry   *testenv.Registry // nil before its start
	vault      *testenv.Vault    // nil before its start
	vaultFront *vaultFront       // of a Vault without TLS
	canaries   []testenv.Canary
	versions   map[string]string  // resourceVersions, see "snapshot"
	metrics    map[string]float64 // see "metric"
	spans      *spans             // see "collector"
	web        *notifytest.WebServer
	mail       *notifytest.MailServer // see "receivers", both
	forge      *forgetest.Forge       // see "forge"
	debug      string                 // URL of --debug-listen, see "debugaddress"
	uids       map[string]bool        // see "jobs"
	signers    map[string]*signaturetest.Key
	tap        *testenv.Tap             // nil if there is none
	others     map[string]*otherCluster // see "cluster"
	connects   *connectProxy            // see "proxy"
	fronts     []func()                 // end what stands before clusters
	argo       *testenv.ArgoCD          // nil before its start
	obedience  *obedience               // see "obey"
	recordings
}

const theStory contextKey = 1

// begin prepares a story; end is called after it.
func (w *world) begin(ctx context.Context, env *testscript.Env) error {
	name := strings.ReplaceAll(strings.TrimPrefix(filepath.Base(env.WorkDir), "script-"), "_", "-")
	s := &story{
		world: w, dir: env.WorkDir, namespace: "agent-" + name,
		kubeconfig: filepath.Join(env.WorkDir, ".kubeconfig"),
		repos:      map[string]*testenv.Repository{},
		versions:   map[string]string{},
		metrics:    map[string]float64{},
		signers:    map[string]*signaturetest.Key{},
		others:     map[string]*otherCluster{},
	}
	env.Values[theStory], env.Values[keysOf] = s, &scriptKeys{}
	env.Setenv("NS", name)
	env.Setenv("AGENT_NS", s.namespace)
	env.Setenv("SERVER", w.cluster.Config.Host)
	env.Setenv("KUBECONFIG", s.kubeconfig)
	env.Setenv("PATH", filepath.Dir(w.bin.Tidelock)+string(filepath.ListSeparator)+env.Getenv("PATH"))
	env.Setenv("LOG", filepath.Join(s.agentDir(), "agent.log"))
	if err := goEnv(env); err != nil {
		return err
	}
	if err := w.cluster.ServiceAccount(ctx, s.namespace, "tidelock", s.kubeconfig); err != nil {
		return err
	}
	var err error
	if s.git, err = startGitFront(ctx, filepath.Join(env.WorkDir, ".git-server")); err != nil {
		return err
	}
	env.Defer(func() {
		if err := s.end(); err != nil {
			env.T().Log("at the end:", err)
			env.T().FailNow()
		}
	})
	return nil
}

func (s *story) agentDir() string { return filepath.Join(s.dir, ".agent") }

// end stops what runs. An agent that does not end as it was told is an error.
func (s *story) end() error {
	err := errors.Join(s.git.Close(), s.stopRecording())
	if s.running {
		err = errors.Join(err, s.agent.Stop())
	}
	if s.other != nil {
		err = errors.Join(err, s.other.Stop())
	}
	for _, end := range s.fronts {
		end()
	}
	for _, other := range s.others {
		err = errors.Join(err, other.network.Close(), other.cluster.Stop())
	}
	return err
}

// explain adds the end of the agent's log to an error.
func (s *story) explain(err error) error {
	if err == nil || s.agent == nil {
		return err
	}
	return fmt.Errorf("%w\nthe end of the agent's log:\n%s", err, testenv.Tail(s.agent.Log, 12))
}

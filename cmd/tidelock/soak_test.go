package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// With -soak.for 20m an agent's process lives through some hundred times what TestSoak
// has it live through once, and what it holds is compared.
var (
	soakFor  = flag.Duration("soak.for", 0, "for how long TestSoak goes on, after the one round that it always makes")
	soakSeed = flag.Uint64("soak.seed", 1, "in which order things happen in the rounds of TestSoak after the first, and how long they last")
)

// A soak is one process of the agent, and what it lives with: an API server and a Git
// server that it reaches over networks that may be cut.
type soak struct {
	*rand.Rand
	bin     testenv.Binaries
	cluster *testenv.Cluster
	network *testenv.Partition // before the API server
	git     *testenv.GitServer
	road    *testenv.Partition // before the Git server
	repo    *testenv.Repository
	agent   *testenv.Agent
	tokens  *soakTokens
	apps    []*soakApp
	keys    struct {
		sops    testenv.SOPSKey
		sealing testenv.SealingKey
	}
	version  int
	commit   string
	canaries []testenv.Canary // of this round
	read     int64            // of the agent's log
	rounds   soakRounds
}

// soakNamespace is the agent's.
const soakNamespace = "agent-soak"

// soakRefresh is how often the agent looks at each Application.
const soakRefresh = time.Second

// TestSoak has one process of the agent live through what happens to one in weeks: tokens
// that are rotated, and refused; watches that end, that have missed something, and that are
// too old to go on; plugins that are killed, at work and at rest; a Git server that is
// away; and meanwhile commits, and people who change things by hand. After each of these
// all is as the last commit says, the agent is at rest, and it is asked for nothing. What
// it holds then does not grow.
func TestSoak(t *testing.T) {
	whole(t)
	t.Parallel()
	s := newSoak(t)
	ctx, cancel := context.WithTimeout(t.Context(), convergence+2**soakFor)
	defer cancel()
	defer s.end(t)
	defer func() { t.Logf("at rest after each round:\n%s", s.rounds) }()
	s.begin(ctx, t)
	scraping, stop := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error { return s.scrape(scraping) })
	for begun := time.Now(); len(s.rounds) == 0 || time.Since(begun) < *soakFor; {
		s.round(ctx, t)
	}
	stop()
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	s.rounds.level(t)
}

// newSoak starts all but the agent.
func newSoak(t *testing.T) *soak {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	s := &soak{Rand: rand.New(rand.NewPCG(*soakSeed, 7)), bin: bin}
	g, ctx := errgroup.WithContext(t.Context())
	g.Go(func() (err error) {
		s.cluster, err = testenv.StartAPIServer(t.Context(), bin, t.TempDir(), testenv.ServiceAccountUser(soakNamespace, install.Name))
		if err != nil {
			return err
		}
		return errors.Join(s.cluster.ApplyCRDs(ctx), s.cluster.ServiceAccount(ctx, soakNamespace, install.Name, filepath.Join(t.TempDir(), "unused")))
	})
	g.Go(func() (err error) {
		s.keys.sealing, err = testenv.NewSealingKey()
		return err
	})
	t.Cleanup(func() {
		if s.cluster != nil {
			if err := s.cluster.Stop(); err != nil {
				t.Error(err)
			}
		}
	})
	if s.git, err = testenv.StartGit(ctx, t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	if s.keys.sops, err = testenv.NewSOPSKey(); err != nil {
		t.Fatal(err)
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	s.network, s.road = s.cut(t, s.cluster.Config.Host), s.cut(t, s.git.URL)
	if s.repo, err = s.git.Create(t.Context(), "soak"); err != nil {
		t.Fatal(err)
	}
	s.repo.URL = "http://" + s.road.Address() + "/soak.git"
	return s
}

// cut puts a network before the server at a URL.
func (s *soak) cut(t *testing.T, url string) *testenv.Partition {
	t.Helper()
	p, err := testenv.StartPartition(t.Context(), hostOf(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func hostOf(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

// begin makes the Applications and starts the agent, with a token in a file.
func (s *soak) begin(ctx context.Context, t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	sops := s.keys.sops.Secret("sops")
	sops.Namespace = soakNamespace
	for _, key := range []*corev1.Secret{sops, s.keys.sealing.Secret(soakNamespace, "sealing")} {
		if _, err := s.cluster.Typed.CoreV1().Secrets(soakNamespace).Create(ctx, key, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s.tokens = newSoakTokens(ctx, t, s.cluster, filepath.Join(dir, "token"))
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := s.cluster.KubeconfigOf(kubeconfig, s.network.Address(), s.tokens.file); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"plain", "kustomize", "helm", "sops", "sealed", "external"} {
		s.apps = append(s.apps, &soakApp{name: "soak-" + kind, kind: kind})
	}
	var err error
	s.agent, err = testenv.StartAgent(ctx, testenv.AgentOptions{
		Binary: s.bin.Tidelock, Kubeconfig: kubeconfig, Dir: dir, SealedSecretsNamespace: soakNamespace, PollInterval: time.Second, Debug: true,
		Flags: []string{"--debug", "--namespace", soakNamespace, "--refresh-interval", soakRefresh.String()},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.push(ctx, t)
	for _, app := range s.apps {
		object, err := parse(fmt.Sprintf(application, app.name, s.repo.URL, app.name, app.name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.cluster.Dynamic.Resource(testenv.Applications).Namespace(soakNamespace).Create(ctx, object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s.settled(ctx, t)
}

// end stops the agent, which has to be the process that was started.
func (s *soak) end(t *testing.T) {
	if s.agent == nil {
		return
	}
	if err := s.agent.Died(); err != nil {
		t.Error(err)
		return
	}
	if t.Failed() {
		t.Logf("the end of the agent's log:\n%s", testenv.Tail(s.agent.Log, 60))
	}
	if err := s.agent.Stop(); err != nil {
		t.Error(err)
	}
}

// scrape asks the agent for all that it tells, all the time. It is to answer, whatever
// goes on: within a minute, which is the patience of who waits for a machine that is busy.
func (s *soak) scrape(ctx context.Context) error {
	for ctx.Err() == nil {
		for _, ask := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := s.agent.MetricsText(ctx); return err },
			func(ctx context.Context) error { _, err := s.agent.Backlog(ctx); return err },
			s.agent.Alive,
		} {
			asking, cancel := context.WithTimeout(ctx, time.Minute)
			err := ask(asking)
			cancel()
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("while it goes on, the agent does not answer: %w", err)
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return nil
}

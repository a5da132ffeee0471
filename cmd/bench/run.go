package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// bench is one cluster with an agent, measured.
type bench struct {
	options options
	cluster *testenv.Cluster
	git     *testenv.GitServer
	repo    *testenv.Repository
	agents  []*testenv.Agent // as many as there are replicas
	objects *objects

	pushes    int    // the revision is their number
	turn      int    // which service is changed next
	restarted bool   // in the scenario that is measured
	concerned string // the one service that it is about, "" if all are
}

// deadline bounds one happening. The slowest peer needs a minute for a hundred
// services.
const deadline = 10 * time.Minute

const agentAccount = "tidelock"

// finely makes profiles of memory as fine as a heap of some ten megabytes needs.
var finely = []string{"GODEBUG=memprofilerate=8192"}

// measureOnce measures scenarios on a new cluster in dir.
func measureOnce(ctx context.Context, o options, binaries testenv.Binaries, dir string, chosen []scenario) (results []Result, err error) {
	b := &bench{options: o}
	defer func() { err = errors.Join(err, b.stop()) }()
	if err := b.start(ctx, binaries, dir); err != nil {
		return nil, err
	}
	for _, s := range chosen {
		say("measuring %s: %s", s.name, s.about)
		var runs []Result
		for range s.times {
			r, err := b.measure(ctx, s.amid, func(ctx context.Context) (time.Duration, error) {
				ctx, cancel := context.WithTimeout(ctx, deadline)
				defer cancel()
				return s.do(b, ctx)
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			runs = append(runs, r)
		}
		result := summary(s.name, runs)
		say("  %.2f s, %.2f CPU s (this bench: %.2f), %d requests: %s; beside them %d",
			result.Wall.Seconds(), result.CPU.Seconds(), result.Bench.Seconds(), result.Requests, result.ByKind, result.Beside)
		results = append(results, result)
	}
	return results, nil
}

// start brings up the cluster, the repository and the agent.
func (b *bench) start(ctx context.Context, binaries testenv.Binaries, dir string) (err error) {
	user := testenv.ServiceAccountUser(testenv.AgentNamespace, agentAccount)
	if b.cluster, err = testenv.StartCluster(ctx, binaries, filepath.Join(dir, "cluster"), user); err != nil {
		return err
	}
	if err := b.cluster.ApplyCRDs(ctx); err != nil {
		return err
	}
	if b.git, err = testenv.StartGit(ctx, filepath.Join(dir, "git"), nil); err != nil {
		return err
	}
	if b.repo, err = b.git.Create(ctx, "monorepo"); err != nil {
		return err
	}
	if err := b.writeServices(b.nextRevision()); err != nil {
		return err
	}
	if _, err := b.repo.Push(ctx, "all services"); err != nil {
		return err
	}
	if b.objects, err = watchObjects(ctx, b.cluster); err != nil {
		return err
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := b.cluster.ServiceAccount(ctx, testenv.AgentNamespace, agentAccount, kubeconfig); err != nil {
		return err
	}
	for i := range b.options.replicas {
		agentDir := filepath.Join(dir, fmt.Sprintf("agent-%d", i))
		if err := os.MkdirAll(agentDir, 0o700); err != nil {
			return err
		}
		o := testenv.AgentOptions{Binary: binaries.Tidelock, Kubeconfig: kubeconfig, Dir: agentDir, Debug: true}
		if b.options.memory {
			o.Env = finely
		}
		agent, err := testenv.StartAgent(ctx, o)
		if err != nil {
			return err
		}
		b.agents = append(b.agents, agent)
	}
	return nil
}

func (b *bench) stop() error {
	var errs []error
	if b.objects != nil {
		errs = append(errs, b.objects.stop())
	}
	for _, agent := range b.agents {
		errs = append(errs, agent.Stop())
	}
	if b.git != nil {
		errs = append(errs, b.git.Close())
	}
	if b.cluster != nil {
		errs = append(errs, b.cluster.Stop())
	}
	return errors.Join(errs...)
}

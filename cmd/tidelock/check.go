package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

type setupOptions struct {
	console
	local, offline bool
	output         string
	agentURL       string
	metricsURL     string
	timeout        time.Duration
	plugins        pluginOptions
}

func newSetupCheckCommand() *cobra.Command {
	var o setupOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell what is missing in a cluster, or on this machine",
		Long: `Tell what is missing for Tidelock in a cluster, and what to do about it:

  cluster       its version and its clock; who else works on the same Applications,
                and what Flux applies that Applications state
  definitions   the CustomResourceDefinitions, and fields that they lack
  installation  what tidelock install prints, as the agent's flags say: its Pods and
                their version, its rights, those that it lacks and those that it has
                beyond
  answers       what each Pod says at /healthz and /readyz, part by part, and whether
                it tells its metrics; through the API server, or at --agent-url and
                --metrics-url
  settings      ConfigMaps, webhooks, and whether the metrics are read
  notifications triggers, templates and services that cannot be read, and subscriptions
                to what there is not
  objects       what Applications, AppProjects and ApplicationSets ask for and do not
                get, or hardly mean, in the agent's namespace and the others that it
                looks at; what generators log in with
  clusters      whether each cluster that has a Secret answers, takes its login and
                lets it do what Applications need; asked from this machine
  keys          what decrypts
  sources       whether each repository of an Application answers, with the
                credentials of the agent; asked from this machine

--offline asks neither repositories nor other clusters.

An agent that looks on at Argo CD (--shadow) is judged as such.

With --local, and nothing else, what this machine has: git, the keys of SOPS, plugins
and what confines them. In a Pod of the agent that is what the agent has:

  kubectl -n tidelock exec deploy/tidelock -- tidelock check --local

It reads with your rights; what you may not read is told, and the rest is checked. No
secret is printed.

Exit status: 0 nothing is missing, 1 something is, 2 it cannot be told, or wrong use.`,
		Example: `  tidelock check -n tidelock
  tidelock check -n tidelock --offline -o json | jq -r '.[] | select(.state == "wrong") | .text'

  # where the API server's proxy does not reach Pods
  kubectl -n tidelock port-forward deploy/tidelock 8080 8082 &
  tidelock check -n tidelock --agent-url http://localhost:8080 --metrics-url http://localhost:8082/metrics

  # what this machine has
  tidelock check --local`,
		Args: usage(cobra.NoArgs),
		RunE: answer(func(ctx context.Context, cmd *cobra.Command, _ []string) (bool, error) {
			if err := o.check(); err != nil {
				return false, &usageError{cmd.CommandPath(), err}
			}
			return runCheck(ctx, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.Lookup("namespace").Usage = "where the agent and its Applications are"
	f.BoolVar(&o.local, "local", false, "check this machine, and no cluster")
	f.BoolVar(&o.offline, "offline", false, "ask no repository, and no other cluster")
	f.StringVar(&o.agentURL, "agent-url", "", "`URL` at which the agent is reached, such as http://localhost:8080; through the API server if empty")
	f.StringVar(&o.metricsURL, "metrics-url", "", "`URL` of its metrics, such as http://localhost:8082/metrics")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "how long to wait for answers, in all")
	addOutputFlag(cmd, &o.output, "what is wrong, by area", "json", "yaml")
	o.plugins.flags(f)
	return cmd
}

func (o *setupOptions) check() error {
	if o.timeout <= 0 {
		return fmt.Errorf("--timeout %s: give a time to wait, such as 1m", o.timeout)
	}
	for flag, text := range map[string]string{"agent-url": o.agentURL, "metrics-url": o.metricsURL} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("--%s %q: give a URL such as http://localhost:8080", flag, text)
		}
	}
	return checkOutput(o.output, "json", "yaml")
}

// A checker looks at a cluster with a person's rights.
type checker struct {
	setupOptions
	*remote
	kube kubernetes.Interface
	talk *screen
	there
}

// runCheck says whether anything is wrong.
func runCheck(ctx context.Context, o setupOptions, out, talk io.Writer) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	klog.SetSlogLogger(slog.New(slog.DiscardHandler)) // what clients have to say is in their errors
	c := &checker{setupOptions: o, talk: newScreen(talk)}
	areas := []area{{name: "this machine", look: c.lookLocal}}
	if !o.local {
		if err := c.reach(ctx); err != nil {
			return false, err
		}
		areas = []area{
			{name: "cluster", look: c.lookCluster}, {name: "definitions", look: c.lookDefinitions},
			{name: "installation", look: c.lookInstallation}, {name: "answers", look: c.lookAnswers},
			{name: "settings", look: c.lookSettings}, {name: "notifications", look: c.lookNotifications},
			{name: "objects", look: c.lookObjects}, {name: "clusters", look: c.lookClusters},
			{name: "keys", look: c.lookKeys}, {name: "sources", look: c.lookSources},
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for i := range areas {
		g.Go(func() error {
			c.talk.state("checking %s", areas[i].name)
			areas[i].look(ctx, &areas[i])
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return false, err
	}
	c.talk.clear()
	return anyWrong(areas), printAreas(out, o.output, areas)
}

// reach connects, and reads what several areas look at.
func (c *checker) reach(ctx context.Context) (err error) {
	if c.remote, err = c.connect(); err != nil {
		return err
	}
	if c.kube, err = kubernetes.NewForConfig(c.cfg); err != nil {
		return fmt.Errorf("connect to the cluster: %w", err)
	}
	if _, err := c.kube.Discovery().ServerVersionWithContext(ctx); err != nil {
		return fmt.Errorf("ask the cluster for its version: %w", err)
	}
	c.there = c.readThere(ctx)
	return nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/bundle"
	"k8s.io/client-go/kubernetes"
)

type bundleOptions struct {
	console
	output string
	agent  string // URL of the agent's own pages
	meter  string // of its metrics
	debug  string // of --debug-listen
	log    string // file
}

// maxPart is how many bytes of a file of the archive are kept.
const maxPart = 32 << 20

func newSupportBundleCommand() *cobra.Command {
	var o bundleOptions
	cmd := &cobra.Command{
		Use:   "support-bundle",
		Short: "Write an archive for whoever is to find out what is wrong",
		Long: `Write an archive (tar.gz) with what is needed to find out what is wrong with an
agent, and with nothing secret in it: its Pods and Deployment, its log, its metrics
and what it says of itself, its settings, Applications, AppProjects, ApplicationSets,
Events, and which Secrets there are.

It reads with your rights: what you may not read is told, and the rest is there. Of
objects it leaves out what people write values into, such as Helm's, and whatever else
is in a Secret of the agent's namespace that you may read is taken out of all texts,
logs included.

Metrics and probes are read through the API server. What --debug-listen has, such as
goroutines, is reached by kubectl port-forward. An agent that runs on this machine
is named by its addresses.

Exit status: 0 success, also if parts are missing, 1 failure, 2 wrong use.`,
		Example: `  tidelock support-bundle -n tidelock

  # with goroutines and a profile of memory, of an agent with --debug-listen=127.0.0.1:6060
  kubectl -n tidelock port-forward deployment/tidelock 6060 &
  tidelock support-bundle -n tidelock --debug http://127.0.0.1:6060`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSupportBundle(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	cmd.Flags().Lookup("namespace").Usage = "where the agent and its Applications are"
	f.StringVarP(&o.output, "output", "o", "", "`FILE` to write to, - is the standard output; one with the time in its name if empty")
	f.StringVar(&o.agent, "agent", "", "`URL` of the agent's --listen, instead of asking its Pods")
	f.StringVar(&o.meter, "metrics", "", "`URL` of the agent's --metrics-listen, likewise")
	f.StringVar(&o.debug, "debug", "", "`URL` of the agent's --debug-listen")
	f.StringVar(&o.log, "log", "", "`FILE` with the agent's log, instead of asking its Pods")
	return cmd
}

func runSupportBundle(ctx context.Context, o bundleOptions, out, talk io.Writer) error {
	r, err := o.connect()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(r.cfg)
	if err != nil {
		return fmt.Errorf("connect to the cluster: %w", err)
	}
	now := time.Now()
	name := "tidelock-support-" + now.UTC().Format("20060102-150405")
	to, done, err := o.open(name+".tar.gz", out)
	if err != nil {
		return err
	}
	s := &supporter{bundleOptions: o, remote: r, kube: client}
	clean, unread := s.cleaner(ctx)
	archive := bundle.Archive{Dir: name, At: now, Clean: clean, MaxPart: maxPart}
	missing, err := archive.Write(ctx, to, s.parts(ctx))
	if err = done(err); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	for _, m := range append(unread, missing...) {
		fmt.Fprintln(talk, "missing:", m)
	}
	if o.output != "-" {
		fmt.Fprintln(out, filepath.Clean(o.file(name+".tar.gz")))
	}
	return nil
}

func (o *bundleOptions) file(usual string) string {
	if o.output == "" {
		return usual
	}
	return o.output
}

// open opens what to write to. A file that could not be written as a whole is removed.
func (o *bundleOptions) open(usual string, out io.Writer) (io.Writer, func(error) error, error) {
	if o.output == "-" {
		return out, func(err error) error { return err }, nil
	}
	name := o.file(usual)
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return file, func(err error) error {
		if closed := file.Close(); err == nil {
			err = closed
		}
		if err != nil {
			os.Remove(name)
		}
		return err
	}, nil
}

// pageURL joins an address and a path.
func pageURL(server, path string) string { return strings.TrimRight(server, "/") + path }

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"golang.org/x/sync/errgroup"
	kube "k8s.io/client-go/discovery"
)

type clustersOptions struct {
	console
	output  string
	timeout time.Duration
	exec    []string
}

// A clusterRow is a cluster as it is shown.
type clusterRow struct {
	Name         string   `json:"name"`
	Server       string   `json:"server"`
	Reachable    bool     `json:"reachable"`
	Version      string   `json:"version,omitempty"`
	Applications int      `json:"applications"`
	Project      string   `json:"project,omitempty"`
	Namespaces   []string `json:"namespaces,omitempty"`
	Secret       string   `json:"secret,omitempty"`
	Error        string   `json:"error,omitempty"`
}

// asking bounds how many clusters are asked at a time.
const asking = 16

func newClustersCommand() *cobra.Command {
	var o clustersOptions
	cmd := &cobra.Command{
		Use:   "clusters",
		Short: "Show the clusters that Applications may be for",
		Long: `Show the clusters that Applications may be for: the agent's own, and those that have a
Secret in its namespace, with the label argocd.argoproj.io/secret-type: cluster. Each is
asked for its version from here, with the login of its Secret, which you have to be
permitted to read; the agent may have another way to it.

An Application names its cluster by spec.destination.name or .server, as they stand here.
What is wrong with a Secret is told with its field.

Exit status: 0 all can be reached, 1 failure, or one cannot, 2 wrong use.`,
		Example: `  tidelock clusters
  tidelock clusters -o json | jq '.[] | select(.reachable | not) | .name'

  # one that logs in by a program, which is run here
  tidelock clusters --allow-cluster-exec aws`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(o.output, "json"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return o.run(cmd.Context(), cmd.OutOrStdout())
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "json, or a table if empty")
	f.DurationVar(&o.timeout, "timeout", defaultClusterTimeout, "how long each cluster may take to answer")
	f.StringSliceVar(&o.exec, "allow-cluster-exec", nil, allowExecHelp)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]cobra.Completion{"json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// errUnreachable says that there is a cluster that cannot be reached.
var errUnreachable = errors.New("not every cluster can be reached")

func (o *clustersOptions) run(ctx context.Context, out io.Writer) error {
	r, err := o.connect()
	if err != nil {
		return err
	}
	ring, err := keyring.New(r.cfg, keyring.Namespaces{Agent: o.namespace}, slog.New(slog.DiscardHandler), func() {})
	if err != nil {
		return err
	}
	if err := ring.ReadClusters(ctx); err != nil {
		return r.explain(ctx, "list the Secrets of clusters in namespace "+o.namespace, "", err)
	}
	apps, err := r.applications(ctx, true, "")
	if err != nil {
		if apps, err = r.applications(ctx, false, ""); err != nil {
			return err
		}
	}
	rows := o.ask(ctx, r, ring.ClusterSecrets())
	countApplications(rows, apps)
	if err := o.show(rows, out); err != nil {
		return err
	}
	for _, row := range rows {
		if !row.Reachable {
			return errUnreachable
		}
	}
	return nil
}

// ask asks all clusters at once. The first row is the agent's own.
func (o *clustersOptions) ask(ctx context.Context, r *remote, list []keyring.ClusterSecret) []clusterRow {
	rows := make([]clusterRow, len(list)+1)
	var g errgroup.Group
	g.SetLimit(asking)
	g.Go(func() error {
		rows[0] = o.own(ctx, r)
		return nil
	})
	for i, s := range list {
		g.Go(func() (err error) {
			version := ""
			if s.Server != api.InClusterServer { // which is asked as the kubeconfig says
				version, err = destinations.Ask(ctx, s, o.exec, o.timeout)
			}
			rows[i+1] = clusterRow{
				Name: s.Name, Server: s.Server, Project: s.Project, Namespaces: s.OnlyNamespaces(), Secret: s.Secret,
				Reachable: err == nil, Version: version, Error: oneLine(textOf(err)),
			}
			return nil
		})
	}
	_ = g.Wait() // each row has its own error
	return mergeOwn(rows)
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// own asks the cluster of the kubeconfig, where the agent is.
func (o *clustersOptions) own(ctx context.Context, r *remote) clusterRow {
	row := clusterRow{Name: api.InClusterName, Server: api.InClusterServer}
	client, err := kube.NewDiscoveryClientForConfig(r.cfg)
	if err == nil {
		ctx, cancel := within(ctx, o.timeout)
		defer cancel()
		version, asked := client.ServerVersionWithContext(ctx)
		if err = asked; err == nil {
			row.Version = version.GitVersion
			if row.Version != "" && row.Version[0] == 'v' {
				row.Version = row.Version[1:]
			}
		}
	}
	row.Reachable, row.Error = err == nil, oneLine(textOf(err))
	return row
}

// mergeOwn takes the agent's own cluster together with its Secret, which gives it its name:
// from here, it is asked as the kubeconfig says.
func mergeOwn(rows []clusterRow) []clusterRow {
	for i, row := range rows {
		if i > 0 && row.Server == api.InClusterServer {
			row.Reachable, row.Version, row.Error = rows[0].Reachable, rows[0].Version, rows[0].Error
			rows[0] = row
			return append(rows[:i], rows[i+1:]...)
		}
	}
	return rows
}

// countApplications tells each cluster how many are for it.
func countApplications(rows []clusterRow, apps []api.Application) {
	for _, app := range apps {
		to := app.Spec.Destination.Resolved()
		for i := range rows {
			if to.Server == rows[i].Server || to.Server == "" && to.Name == rows[i].Name {
				rows[i].Applications++
			}
		}
	}
}

func (o *clustersOptions) show(rows []clusterRow, out io.Writer) error {
	if o.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(rows) //nolint:gosec // a Secret's name
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tSERVER\tSTATE\tVERSION\tAPPLICATIONS")
	for _, row := range rows {
		state := "reachable"
		if !row.Reachable {
			state = "unreachable"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", oneLine(row.Name), oneLine(row.Server), state, oneLine(row.Version), row.Applications)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, row := range rows {
		if row.Error != "" {
			fmt.Fprintf(out, "\n%s: %s\n", oneLine(row.Name), row.Error)
		}
	}
	return nil
}

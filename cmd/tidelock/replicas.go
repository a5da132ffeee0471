package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/shard"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

type replicasOptions struct {
	console
	everywhere bool
	output     string
}

// A replica is one, as people are told of it.
type replica struct {
	Name string `json:"name"`
	// Host is where it runs: in a cluster its pod.
	Host         string       `json:"host"`
	Applications int          `json:"applications,omitempty"`
	Since        metav1.Time  `json:"since"`
	Renewed      *metav1.Time `json:"renewed,omitempty"`
	// Late says that it has not renewed its Lease for as long as that is good.
	Late bool `json:"late,omitempty"`
}

func newReplicasCommand() *cobra.Command {
	var o replicasOptions
	cmd := &cobra.Command{
		Use:   "replicas [APP]",
		Short: "Show who works on the Applications",
		Long: `Show the replicas of an agent, how many of the Applications each works on, and when
each was last heard of; or the one that works on an Application.

It goes by their Leases, in the agent's namespace. Who has not renewed its Lease for as
long as that is good counts as dead: its Applications fall to the others.

APP is NAME or NAMESPACE/NAME.

Exit status: 0 success, 1 failure, also if there is no replica, 2 wrong use.`,
		Example: `  tidelock replicas -n tidelock
  kubectl -n tidelock logs "$(tidelock replicas -n tidelock shop)"`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: o.completeApplications(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(o.output, "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			r, err := o.connect()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return o.one(cmd.Context(), r, args[0], cmd.OutOrStdout())
			}
			all, err := r.replicas(cmd.Context(), o.everywhere)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), all)
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVarP(&o.everywhere, "all-namespaces", "A", false, "count the Applications of all namespaces")
	addOutputFlag(cmd, &o.output, "a table", "json", "yaml")
	return cmd
}

// leasesOf are those of the replicas, by name.
func leasesOf(ctx context.Context, r *remote) ([]coordinationv1.Lease, error) {
	client, err := kubernetes.NewForConfig(r.cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	list, err := client.CoordinationV1().Leases(r.namespace).List(ctx, metav1.ListOptions{LabelSelector: shard.LabelMember})
	if err != nil {
		return nil, fmt.Errorf("list Leases in namespace %s: %w", r.namespace, err)
	}
	if len(list.Items) == 0 {
		return nil, fmt.Errorf("no agent has a Lease in namespace %s: name the agent's with --namespace", r.namespace)
	}
	slices.SortFunc(list.Items, func(a, b coordinationv1.Lease) int { return strings.Compare(a.Name, b.Name) })
	return list.Items, nil
}

func idsOf(leases []coordinationv1.Lease) []string {
	ids := make([]string, len(leases))
	for i, l := range leases {
		ids[i] = l.Name
	}
	return ids
}

// one prints the host of the replica that works on an Application.
func (o *replicasOptions) one(ctx context.Context, r *remote, arg string, out io.Writer) error {
	leases, err := leasesOf(ctx, r)
	if err != nil {
		return err
	}
	app, err := r.application(ctx, arg)
	if err != nil {
		return err
	}
	owner := shard.Owner(idsOf(leases), types.NamespacedName{Namespace: app.Namespace, Name: app.Name})
	at := slices.IndexFunc(leases, func(l coordinationv1.Lease) bool { return l.Name == owner })
	if o.output != "" {
		return encode(out, o.output, replicaOf(&leases[at], time.Now()))
	}
	fmt.Fprintln(out, shard.HostOf(owner))
	return nil
}

// replicas are those of the agent, with how many of the Applications fall to each.
func (r *remote) replicas(ctx context.Context, everywhere bool) ([]replica, error) {
	leases, err := leasesOf(ctx, r)
	if err != nil {
		return nil, err
	}
	apps, err := r.applications(ctx, everywhere, "")
	if err != nil {
		return nil, err
	}
	count, ids := map[string]int{}, idsOf(leases)
	for _, app := range apps {
		count[shard.Owner(ids, types.NamespacedName{Namespace: app.Namespace, Name: app.Name})]++
	}
	all := make([]replica, len(leases))
	for i := range leases {
		all[i] = replicaOf(&leases[i], time.Now())
		all[i].Applications = count[leases[i].Name]
	}
	return all, nil
}

func replicaOf(l *coordinationv1.Lease, now time.Time) replica {
	r := replica{Name: l.Name, Host: shard.HostOf(l.Name), Since: l.CreationTimestamp}
	if renewed := l.Spec.RenewTime; renewed != nil {
		r.Renewed = &metav1.Time{Time: renewed.Time}
		d := l.Spec.LeaseDurationSeconds
		r.Late = d != nil && now.Sub(renewed.Time) > time.Duration(*d)*time.Second
	}
	return r
}

func (o *replicasOptions) print(out io.Writer, all []replica) error {
	if o.output != "" {
		return encode(out, o.output, all)
	}
	rows := [][]string{{"REPLICA", "APPLICATIONS", "RENEWED", "AGE"}}
	now := time.Now()
	for _, r := range all {
		renewed := "-"
		if r.Renewed != nil {
			renewed = age(r.Renewed.Time, now) + " ago"
		}
		if r.Late {
			renewed += ", and late"
		}
		rows = append(rows, []string{r.Name, strconv.Itoa(r.Applications), renewed, age(r.Since.Time, now)})
	}
	newScreen(out).table(rows)
	return nil
}

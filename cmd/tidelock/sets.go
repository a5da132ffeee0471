package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
)

type setsOptions struct {
	console
	everywhere bool
	selector   string
	output     string
}

func newSetsCommand() *cobra.Command {
	var o setsOptions
	cmd := &cobra.Command{
		Use:     "sets [SET]",
		Aliases: []string{"appsets"},
		Short:   "Show ApplicationSets, or one with its Applications",
		Long: `Show the ApplicationSets of a namespace, or one of them with its Applications: what
is wrong with it, what is held and how to approve of it, and how far a rolling sync is.

SET is NAME or NAMESPACE/NAME.

Exit status: 0 success, 1 failure, 2 wrong use.`,
		Example: `  tidelock sets
  tidelock sets apps
  tidelock sets -A -o json`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(o.output, "name", "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			if len(args) > 0 && (o.everywhere || o.selector != "") {
				return &usageError{cmd.CommandPath(), errors.New("give a name, or -A and -l")}
			}
			r, err := o.connect()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return o.list(cmd.Context(), r, cmd.OutOrStdout())
			}
			return o.one(cmd.Context(), r, args[0], cmd.OutOrStdout())
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.BoolVarP(&o.everywhere, "all-namespaces", "A", false, "of all namespaces")
	f.StringVarP(&o.selector, "selector", "l", "", "label `SELECTOR`")
	addOutputFlag(cmd, &o.output, "a table", "name", "json", "yaml")
	return cmd
}

var (
	setType     = metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: api.ApplicationSetKind}
	setListType = metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: api.ApplicationSetKind + "List"}
)

func (o *setsOptions) list(ctx context.Context, r *remote, out io.Writer) error {
	request := r.client.Get().Resource(api.ApplicationSetResource).Param("labelSelector", o.selector)
	if !o.everywhere {
		request = request.Namespace(r.namespace)
	}
	list := &api.ApplicationSetList{}
	if err := request.Do(ctx).Into(list); err != nil {
		return r.explain(ctx, "list ApplicationSets in namespace "+r.namespace, "", err)
	}
	slices.SortFunc(list.Items, func(a, b api.ApplicationSet) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	rows := [][]string{{"NAME", "HEALTH", "APPLICATIONS", "AGE", "MESSAGE"}}
	if o.everywhere {
		rows[0] = append([]string{"NAMESPACE"}, rows[0]...)
	}
	switch o.output {
	case "json", "yaml":
		return encode(out, o.output, api.ApplicationSetList{TypeMeta: setListType, Items: list.Items})
	case "name":
		for i := range list.Items {
			fmt.Fprintf(out, "%s/%s\n", list.Items[i].Namespace, list.Items[i].Name)
		}
		return nil
	}
	for i := range list.Items {
		rows = append(rows, o.row(&list.Items[i]))
	}
	newScreen(out).table(rows)
	return nil
}

func (o *setsOptions) row(set *api.ApplicationSet) []string {
	message := ""
	if set.Status.Health.Status != api.HealthHealthy {
		message = oneLine(set.Status.Health.Message)
	}
	row := []string{
		set.Name, orDash(string(set.Status.Health.Status)), strconv.FormatInt(set.Status.ResourcesCount, 10),
		age(set.CreationTimestamp.Time, time.Now()), orDash(message),
	}
	if o.everywhere {
		row = append([]string{set.Namespace}, row...)
	}
	return row
}

// one shows an ApplicationSet.
func (o *setsOptions) one(ctx context.Context, r *remote, arg string, out io.Writer) error {
	namespace, name := r.at(arg)
	set := &api.ApplicationSet{}
	if err := r.client.Get().Namespace(namespace).Resource(api.ApplicationSetResource).Name(name).Do(ctx).Into(set); err != nil {
		return r.explainSet(ctx, namespace, name, err)
	}
	switch o.output {
	case "json", "yaml":
		set.TypeMeta, set.ManagedFields = setType, nil
		return encode(out, o.output, set)
	case "name":
		fmt.Fprintf(out, "%s/%s\n", set.Namespace, set.Name)
		return nil
	}
	s := newScreen(out)
	s.table([][]string{
		{"ApplicationSet:", set.Namespace + "/" + set.Name},
		{"Health:", orDash(string(set.Status.Health.Status))},
		{"Applications:", strconv.FormatInt(set.Status.ResourcesCount, 10)},
	})
	for _, c := range set.Status.Conditions {
		if notable(c) {
			s.line("\n%s: %s", c.Type, oneLine(c.Message))
		}
	}
	if len(set.Status.Resources) > 0 {
		s.line("")
		s.table(applicationRows(set))
	}
	return nil
}

// notable says that a condition is not what it is at most times.
func notable(c api.ApplicationSetCondition) bool {
	switch c.Type {
	case api.ApplicationSetParametersGenerated, api.ApplicationSetResourcesUpToDate:
		return false // the error says it
	}
	return c.Status == metav1.ConditionTrue
}

// applicationRows are the rows of a set's Applications; of a rolling sync by its steps.
func applicationRows(set *api.ApplicationSet) [][]string {
	rows := [][]string{{"APPLICATION", "SYNC", "HEALTH"}}
	if len(set.Status.ApplicationStatus) > 0 {
		rows[0] = append(rows[0], "STEP", "ROLLOUT", "MESSAGE")
	}
	for _, res := range set.Status.Resources {
		row := []string{res.Name, orDash(string(res.Status)), "-"}
		if res.Health != nil {
			row[2] = orDash(string(res.Health.Status))
		}
		i := slices.IndexFunc(set.Status.ApplicationStatus, func(s api.RollingSyncStatus) bool { return s.Application == res.Name })
		switch {
		case i >= 0:
			at := set.Status.ApplicationStatus[i]
			row = append(row, at.Step, string(at.Status), oneLine(at.Message))
		case len(set.Status.ApplicationStatus) > 0:
			row = append(row, "-", "-", "")
		}
		rows = append(rows, row)
	}
	return rows
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type getOptions struct {
	console
	everywhere bool
	selector   string
	output     string
}

func newGetCommand() *cobra.Command {
	var o getOptions
	cmd := &cobra.Command{
		Use:   "get [APP]",
		Short: "Show Applications, or one with its objects",
		Long: `Show the Applications of a namespace, or one of them with all its objects: what
is out of sync, what is not healthy, what runs and what it waits for.

APP is NAME or NAMESPACE/NAME. -o wide adds project, source and the first thing
that is wrong; of one Application the versions of its objects, and what the last
operation has done with each.

Exit status: 0 success, 1 failure, 2 wrong use.`,
		Example: `  tidelock get
  tidelock get shop
  tidelock get -A -o wide
  tidelock get shop -o json | jq .status.health.status`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: o.completeApplications(false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(o.output, "wide", "name", "json", "yaml"); err != nil {
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
	addOutputFlag(cmd, &o.output, "a table", "wide", "name", "json", "yaml")
	return cmd
}

func (o *getOptions) list(ctx context.Context, r *remote, out io.Writer) error {
	apps, err := r.applications(ctx, o.everywhere, o.selector)
	if err != nil {
		return err
	}
	slices.SortFunc(apps, func(a, b api.Application) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	switch o.output {
	case "json", "yaml":
		return encode(out, o.output, api.ApplicationList{TypeMeta: listType, Items: apps})
	case "name":
		for _, app := range apps {
			fmt.Fprintf(out, "%s/%s\n", app.Namespace, app.Name)
		}
		return nil
	}
	heading := []string{"NAME", "SYNC", "HEALTH", "OPERATION", "REVISION", "AGE"}
	if o.everywhere {
		heading = append([]string{"NAMESPACE"}, heading...)
	}
	if o.output == "wide" {
		heading = append(heading, "PROJECT", "SOURCE", "MESSAGE")
	}
	rows := [][]string{heading}
	for i := range apps {
		rows = append(rows, o.row(&apps[i]))
	}
	newScreen(out).table(rows)
	return nil
}

func (o *getOptions) row(app *api.Application) []string {
	s := app.Status
	row := []string{
		app.Name, orDash(string(s.Sync.Status)), orDash(string(s.Health.Status)), operationWord(app),
		orDash(short(revisionOf(app))), age(app.CreationTimestamp.Time, time.Now()),
	}
	if o.everywhere {
		row = append([]string{app.Namespace}, row...)
	}
	if o.output == "wide" {
		row = append(row, app.Spec.ProjectName(), sourceText(app), oneLine(trouble(app)))
	}
	return row
}

// one shows an Application.
func (o *getOptions) one(ctx context.Context, r *remote, arg string, out io.Writer) error {
	app, err := r.application(ctx, arg)
	if err != nil {
		return err
	}
	switch o.output {
	case "json", "yaml":
		app.TypeMeta = appType
		app.ManagedFields = nil
		return encode(out, o.output, app)
	case "name":
		fmt.Fprintf(out, "%s/%s\n", app.Namespace, app.Name)
		return nil
	}
	s := newScreen(out)
	about := [][]string{
		{"Application:", app.Namespace + "/" + app.Name},
		{"Project:", app.Spec.ProjectName()},
		{"Source:", sourceText(app)},
		{"Destination:", destinationText(app)},
		{"Sync:", syncText(app)},
		{"Health:", strings.TrimSpace(string(app.Status.Health.Status) + " " + oneLine(app.Status.Health.Message))},
		{"Operation:", operationText(app, time.Now())},
	}
	if owner := metav1.GetControllerOfNoCopy(app); owner != nil && owner.Kind == api.ApplicationSetKind {
		about = slices.Insert(about, 1, []string{"Made by:", "ApplicationSet " + owner.Name})
	}
	s.table(about)
	for _, c := range app.Status.Conditions {
		since := ""
		if c.LastTransitionTime != nil {
			since = fmt.Sprintf(" (for %s)", age(c.LastTransitionTime.Time, time.Now()))
		}
		s.line("\n%s: %s%s", c.Type, oneLine(c.Message), since)
	}
	if len(app.Status.Resources) > 0 {
		s.line("")
		s.table(o.objects(app))
	}
	return nil
}

// objects are the rows of an Application's objects, by wave.
func (o *getOptions) objects(app *api.Application) [][]string {
	rows := [][]string{{"WAVE", "OBJECT", "SYNC", "HEALTH", "MESSAGE"}}
	if o.output == "wide" {
		rows[0] = []string{"WAVE", "OBJECT", "VERSION", "SYNC", "HEALTH", "LAST SYNC", "MESSAGE"}
	}
	resources := slices.Clone(app.Status.Resources)
	slices.SortStableFunc(resources, func(a, b api.ResourceStatus) int { return cmp.Compare(a.SyncWave, b.SyncWave) })
	for _, res := range resources {
		health, message := "-", ""
		if res.Health != nil {
			health, message = orDash(string(res.Health.Status)), res.Health.Message
		}
		sync := orDash(string(res.Status))
		switch {
		case res.Hook:
			sync = "Hook"
		case res.RequiresPruning && res.RequiresDeletionConfirmation:
			message = strings.TrimSuffix("not in Git any more, and deleted only with consent; "+message, "; ")
		case res.RequiresPruning:
			message = strings.TrimSuffix("not in Git any more; "+message, "; ")
		case res.RequiresDeletionConfirmation:
			message = strings.TrimSuffix("deleted only with consent; "+message, "; ")
		}
		key := manifest.Key{Group: res.Group, Kind: res.Kind, Namespace: res.Namespace, Name: res.Name}
		row := []string{strconv.FormatInt(res.SyncWave, 10), key.String(), sync, health, oneLine(message)}
		if o.output == "wide" {
			row = slices.Insert(slices.Insert(row, 4, lastResult(app, key)), 2, orDash(res.Version))
		}
		rows = append(rows, row)
	}
	return rows
}

// lastResult is what became of an object in the last operation.
func lastResult(app *api.Application, key manifest.Key) string {
	if op := app.Status.OperationState; op != nil && op.SyncResult != nil {
		for _, r := range op.SyncResult.Resources {
			if keyOf(r) == key {
				return strings.TrimSpace(fmt.Sprintf("%s %s", orDash(string(r.Status)), oneLine(r.Message)))
			}
		}
	}
	return "-"
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/window"
)

type windowsOptions struct {
	console
	files  []string
	app    string
	at     string
	zone   string
	output string
	strict bool

	now   time.Time
	place *time.Location // nil: each window's own
}

func newWindowsCommand() *cobra.Command {
	var o windowsOptions
	cmd := &cobra.Command{
		Use:   "windows [PROJECT...]",
		Short: "Show sync windows, and which are open",
		Long: `Show the sync windows of AppProjects, which of them are open, and until when.
With --app only those that match an Application, and whether it may sync now.
-o wide adds the index of each in spec.syncWindows, and its description.

Windows that never open, match nothing, or are overruled by another are warned
of on stderr.

The projects are those of the cluster, or those of FILEs, which may hold
Applications, too: then no cluster is asked.

Exit status: 0 success, 1 failure, or a warning and --strict, 2 wrong use.`,
		Example: `  tidelock windows
  tidelock windows team --at 2026-12-24T18:00:00Z
  tidelock windows --app shop

  # the calendar of the next two weeks
  tidelock windows next 14d

  # in CI, before the project is merged
  tidelock windows -f projects/team.yaml --strict`,
		Args:              usage(cobra.ArbitraryArgs),
		ValidArgsFunction: o.completeProjects(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			schedules, err := o.schedules(cmd.Context(), args, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := o.show(cmd.OutOrStdout(), schedules); err != nil {
				return err
			}
			return o.warn(cmd.ErrOrStderr(), schedules)
		},
	}
	o.addFlags(cmd)
	cmd.AddCommand(newWindowsNextCommand())
	return cmd
}

func (o *windowsOptions) addFlags(cmd *cobra.Command) {
	o.flags(cmd)
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "filename", "f", nil, "`FILE` with AppProjects, and Applications, in place of the cluster's; may be given several times")
	f.StringVar(&o.app, "app", "", "`APP` whose windows are meant")
	f.StringVar(&o.at, "at", "", "RFC 3339 `TIME` to take for now")
	f.StringVar(&o.zone, "zone", "", "`ZONE` to show times in: local, UTC or an IANA name; each window's own if empty")
	addOutputFlag(cmd, &o.output, "a table", "wide", "json", "yaml")
	f.BoolVar(&o.strict, "strict", false, "fail if there is a warning")
	_ = cmd.RegisterFlagCompletionFunc("app", o.completeApplications(true)) // fails only for a flag that is not there
}

// check reads what the flags say.
func (o *windowsOptions) check(cmd *cobra.Command) error {
	wrong := func(err error) error { return &usageError{cmd.CommandPath(), err} }
	if err := checkOutput(o.output, "wide", "json", "yaml"); err != nil {
		return wrong(err)
	}
	o.now = time.Now()
	if o.at != "" {
		var err error
		if o.now, err = time.Parse(time.RFC3339, o.at); err != nil {
			return wrong(fmt.Errorf("--at %s: give an RFC 3339 time, such as 2026-12-24T18:00:00Z", o.at))
		}
	}
	var err error
	switch o.zone {
	case "":
	case "local":
		o.place = time.Local
	default:
		if o.place, err = time.LoadLocation(o.zone); err != nil {
			return wrong(fmt.Errorf("--zone %s: give local, UTC, or a zone of the IANA database such as Europe/Berlin", o.zone))
		}
	}
	return nil
}

// A projectWindows is a project with its windows, and its Applications as far as
// they are known.
type projectWindows struct {
	project  *api.AppProject
	schedule *window.Schedule
	apps     []*api.Application
}

// targets are what the project's windows may match.
func (p *projectWindows) targets() (targets []window.Target) {
	for _, app := range p.apps {
		targets = append(targets, window.TargetOf(app))
	}
	return targets
}

// schedules finds the projects that are meant, and compiles their windows.
func (o *windowsOptions) schedules(ctx context.Context, names []string, talk io.Writer) ([]*projectWindows, error) {
	projects, apps, err := o.objects(ctx, names, talk)
	if err != nil {
		return nil, err
	}
	if o.app != "" {
		if projects, apps, err = o.ofApp(projects, apps); err != nil {
			return nil, err
		}
	}
	var all []*projectWindows
	var failed failures
	for _, p := range projects {
		schedule, err := window.Compile(p.Spec.SyncWindows)
		if err != nil {
			failed = append(failed, fmt.Errorf("AppProject %s: nothing of it is synced: %w", p.Name, err))
			continue
		}
		own := slices.DeleteFunc(slices.Clone(apps), func(app *api.Application) bool { return app.Spec.ProjectName() != p.Name })
		all = append(all, &projectWindows{p, schedule, own})
	}
	if failed != nil {
		return nil, failed
	}
	return all, nil
}

// ofApp narrows down to the Application that is asked about.
func (o *windowsOptions) ofApp(projects []*api.AppProject, apps []*api.Application) ([]*api.AppProject, []*api.Application, error) {
	_, name := (&remote{}).at(o.app)
	i := slices.IndexFunc(apps, func(app *api.Application) bool { return app.Name == name })
	if i < 0 {
		return nil, nil, fmt.Errorf("there is no Application %s%s", o.app, nearestOf(name, apps))
	}
	app := apps[i]
	j := slices.IndexFunc(projects, func(p *api.AppProject) bool { return p.Name == app.Spec.ProjectName() })
	if j < 0 {
		return nil, nil, fmt.Errorf("application %s is of AppProject %s, which is not there", o.app, app.Spec.ProjectName())
	}
	return projects[j : j+1], apps[i : i+1], nil
}

func nearestOf(name string, apps []*api.Application) string {
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = app.Name
	}
	if near := api.Nearest(name, names); near != "" {
		return fmt.Sprintf(" (hint: did you mean %s?)", near)
	}
	return ""
}

// objects reads projects and Applications: of files, or of the cluster.
func (o *windowsOptions) objects(ctx context.Context, names []string, talk io.Writer) ([]*api.AppProject, []*api.Application, error) {
	if len(o.files) > 0 {
		return readProjects(o.files, names, talk)
	}
	r, err := o.connect()
	if err != nil {
		return nil, nil, err
	}
	if o.app != "" {
		app, err := r.application(ctx, o.app)
		if err != nil {
			return nil, nil, err
		}
		p, err := r.projectOf(ctx, app)
		return []*api.AppProject{p}, []*api.Application{app}, err
	}
	projects, err := r.projects(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	list, err := r.applications(ctx, false, "")
	if err != nil { // then nothing is said of what matches
		fmt.Fprintf(talk, "warning: which windows match is not checked: %v\n", err)
	}
	var apps []*api.Application
	for i := range list {
		apps = append(apps, &list[i])
	}
	return projects, apps, nil
}

// errWarned is the failure of --strict.
var errWarned = errors.New("there are warnings, and --strict")

// warn tells where windows do other than they seem to.
func (o *windowsOptions) warn(talk io.Writer, all []*projectWindows) error {
	warned := false
	for _, p := range all {
		for _, text := range o.warnings(p) {
			fmt.Fprintf(talk, "warning: AppProject %s: %s\n", p.project.Name, text)
			warned = true
		}
	}
	if warned && o.strict {
		return errWarned
	}
	return nil
}

// warnings are those of a project. Asked about one Application, of the others'
// windows nothing is said.
func (o *windowsOptions) warnings(p *projectWindows) []string {
	if o.app != "" {
		return nil
	}
	return p.schedule.Lint(o.now, p.targets())
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
)

func quietLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newPluginTestCommand() *cobra.Command {
	var o pluginOptions
	var output string
	cmd := &cobra.Command{
		Use:   "test NAME PATH",
		Short: "Check what must hold for a plugin, on a directory",
		Long: `Render a directory with a renderer as the agent does, in a confined process, and
check what must hold for all of them: that it renders, the same twice, names
options that it does not know, fails for a directory that is not there, and ends
when it is told to. Then say what it read and rendered. SOPS files are decrypted
as by tidelock render.

Exit status: 0 all holds, 1 something does not, 2 wrong use.`,
		Example: `  tidelock plugin test tiny apps/web --plugin-dir plugins
  tidelock plugin test helm charts/shop -o json`,
		Args:              usage(cobra.ExactArgs(2)),
		ValidArgsFunction: o.complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return runPluginTest(cmd.Context(), o, args[0], args[1], output, cmd.OutOrStdout())
		},
	}
	o.flags(cmd.Flags())
	addOutputFlag(cmd, &output, "text", "json", "yaml")
	return cmd
}

// A trial is a plugin that is tried on a directory, and what came of it.
type trial struct {
	Plugin   *shownPlugin `json:"plugin"`
	Checks   []trialCheck `json:"checks"`
	Read     git.Facts    `json:"read,omitempty"`
	Rendered []string     `json:"rendered,omitempty"`
	Warnings []string     `json:"warnings,omitempty"`

	host    *plugins
	request render.Request
}

type trialCheck struct {
	Check string `json:"check"`
	Holds bool   `json:"holds"`
	Why   string `json:"why,omitempty"`
}

func (t *trial) check(what string, err error) {
	c := trialCheck{Check: what, Holds: err == nil}
	if err != nil {
		c.Why = err.Error()
	}
	t.Checks = append(t.Checks, c)
}

func runPluginTest(ctx context.Context, o pluginOptions, name, path, output string, out io.Writer) error {
	h, err := newHost(quietLogger(), o)
	if err != nil {
		return err
	}
	defer h.Close()
	found, err := h.show(ctx, func(names ...string) bool { return slices.Contains(names, name) })
	switch {
	case err != nil:
		return err
	case len(found) != 1:
		return fmt.Errorf("there are %d plugins %q (hint: tidelock plugin list)", len(found), name)
	}
	t := &trial{Plugin: found[0], host: h}
	if t.request, err = trialRequest(found[0], path); err != nil {
		return err
	}
	t.run(ctx)
	if output == "" {
		t.print(out)
	} else if err := encode(out, output, t); err != nil {
		return err
	}
	if slices.ContainsFunc(t.Checks, func(c trialCheck) bool { return !c.Holds }) {
		return &exitStatus{code: exitError}
	}
	return nil
}

// trialRequest has a directory rendered by a plugin.
func trialRequest(p *shownPlugin, path string) (render.Request, error) {
	in, err := (&renderOptions{path: path}).directory()
	if err != nil {
		return render.Request{}, err
	}
	keys, err := newLocalKeys(nil)
	if err != nil {
		return render.Request{}, err
	}
	tree, err := git.Dir(in.any)
	if err != nil {
		return render.Request{}, err
	}
	app := in.applications[0]
	source := *app.Spec.Source
	source.RepoURL = "https://git.example.com/" + filepath.Base(in.any) + ".git"
	switch {
	case p.Kind != "built-in":
		source.Plugin = &api.PluginSource{Name: p.Name}
	case p.Name == "helm":
		source.Helm = &api.HelmSource{}
	case p.Name == "kustomize":
		source.Kustomize = &api.KustomizeSource{}
	case p.Name == "directory":
		source.Directory = &api.DirectorySource{}
	default:
		return render.Request{}, fmt.Errorf("%s renders nothing", p.Name)
	}
	return render.Request{
		Application: app.Name, Project: "default", Source: source, Tree: tree, Namespace: app.Name,
		KubeVersion: defaultKubeVersion, Keys: keys.SOPS(""),
	}, nil
}

func (t *trial) run(ctx context.Context) {
	var broken error
	if t.Plugin.State != pluginWorks {
		broken = errors.New(t.Plugin.Error)
	}
	t.check("it starts", broken)
	if broken != nil {
		return
	}
	var unconfined error
	if t.Plugin.NotConfinedBy != nil {
		unconfined = errors.New(strings.Join(t.Plugin.NotConfinedBy, "; "))
	}
	t.check("it is confined by "+strings.Join(t.Plugin.ConfinedBy, ", "), unconfined)
	if t.renders(ctx) {
		t.check("an option that it does not know is named", t.unknownOption(ctx))
		t.check("a directory that is not there is an error", t.absent(ctx))
		t.check("a cancelled call ends, and the next works", t.cancelled(ctx))
	}
}

// renders renders twice, each time with an engine that remembers nothing.
func (t *trial) renders(ctx context.Context) bool {
	begin := time.Now()
	first, err := newRenders(t.host, quietLogger()).Render(ctx, t.request)
	took := time.Since(begin).Round(time.Millisecond)
	if err != nil {
		t.check("it renders", err)
		return false
	}
	t.check(fmt.Sprintf("it renders, in %s of at most %s", took, t.Plugin.Limits.Time), nil)
	t.Read, t.Warnings = first.Inputs, first.Warnings
	for _, o := range first.Set {
		t.Rendered = append(t.Rendered, o.Key.String())
	}
	second, err := newRenders(t.host, quietLogger()).Render(ctx, t.request)
	if err == nil {
		err = sameTwice(first, second)
	}
	t.check("the same twice", err)
	return true
}

func sameTwice(first, second *render.Result) error {
	before, err := first.Set.YAML(true)
	if err != nil {
		return err
	}
	after, err := second.Set.YAML(true)
	if err == nil && !bytes.Equal(before, after) {
		err = errors.New("it rendered otherwise the second time: look for a clock, a random number, or the order of a map")
	}
	return err
}

// call calls the plugin itself, past the engine.
func (t *trial) call(ctx context.Context, tree sdk.Tree, path, options string) error {
	req := &sdk.RenderRequest{
		Application: t.request.Application, Path: path, Tree: tree, Namespace: t.request.Namespace, KubeVersion: t.request.KubeVersion,
		Env: map[string]string{"ARGOCD_APP_NAME": t.request.Application},
	}
	if options != "" {
		req.Options = []byte(options)
	}
	_, err := t.host.Render(ctx, t.Plugin.Name, req)
	return err
}

func (t *trial) unknownOption(ctx context.Context) error {
	err := t.call(ctx, trialTree{Tree: t.request.Tree}, t.request.Source.Path, `{"noSuchOption": 1}`)
	switch {
	case err == nil:
		return errors.New("it was given noSuchOption, and said nothing")
	case !strings.Contains(err.Error(), "noSuchOption"):
		return fmt.Errorf("it was given noSuchOption, and said: %w", err)
	}
	return nil
}

func (t *trial) absent(ctx context.Context) error {
	if err := t.call(ctx, trialTree{Tree: t.request.Tree}, "no/such/directory", ""); err == nil {
		return errors.New("it rendered a directory that is not there")
	}
	return nil
}

func (t *trial) cancelled(ctx context.Context) error {
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	err := t.call(cancelled, trialTree{t.request.Tree, cancel}, t.request.Source.Path, "")
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the cancelled call: %w", err)
	}
	if _, err := newRenders(t.host, quietLogger()).Render(ctx, t.request); err != nil {
		return fmt.Errorf("the next call: %w", err)
	}
	return nil
}

// trialTree is a tree for a call past the engine. It may cancel the call at the
// first question.
type trialTree struct {
	*git.Tree
	asked func()
}

func (t trialTree) Resolve(name string) (string, fs.FileInfo, error) {
	if t.asked != nil {
		t.asked()
	}
	info, err := t.Stat(name)
	if err != nil {
		return "", nil, err
	}
	entry, err := t.Lookup(name)
	return entry.Path, info, err
}

func (t trialTree) ReadDir(name string) ([]fs.DirEntry, error) {
	if t.asked != nil {
		t.asked()
	}
	return t.Tree.ReadDir(name)
}

func (t *trial) print(out io.Writer) {
	fmt.Fprintf(out, "%s %s, granted %s\n", t.Plugin.Name, t.Plugin.Version, t.Plugin.granted)
	for _, c := range t.Checks {
		if c.Holds {
			fmt.Fprintf(out, "  ok      %s\n", c.Check)
		} else {
			fmt.Fprintf(out, "  failed  %s: %s\n", c.Check, c.Why)
		}
	}
	for _, w := range t.Warnings {
		fmt.Fprintf(out, "warning: %s\n", w)
	}
	if t.Rendered != nil {
		fmt.Fprintf(out, "rendered:\n  %s\n", strings.Join(t.Rendered, "\n  "))
	}
	if t.Read != nil {
		fmt.Fprintf(out, "read:\n  %s\n", strings.ReplaceAll(strings.TrimSpace(t.Read.String()), "\n", "\n  "))
	}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/installed"
	"golang.org/x/sync/errgroup"
)

// A shownPlugin is all that is known of a plugin, for programs.
type shownPlugin struct {
	Name      string   `json:"name"`
	Version   string   `json:"version,omitempty"`
	Kind      string   `json:"kind"` // built-in, program or argocd
	Contracts []string `json:"contracts,omitempty"`
	State     string   `json:"state"` // works, disabled or broken
	Error     string   `json:"error,omitempty"`
	// File installs the plugin; Program is what runs, or the plugin.yaml that says
	// so. ServedBy is the program that was started, and NotServedBy the one that
	// would rather be, and why it is not.
	File             string          `json:"file,omitempty"`
	Program          string          `json:"program,omitempty"`
	ServedBy         string          `json:"servedBy,omitempty"`
	NotServedBy      string          `json:"notServedBy,omitempty"`
	SHA256           string          `json:"sha256,omitempty"`
	Pinned           bool            `json:"pinned"`
	Granted          json.RawMessage `json:"granted"` // as in its YAML
	ConfinedBy       []string        `json:"confinedBy,omitempty"`
	NotConfinedBy    []string        `json:"notConfinedBy,omitempty"`
	Limits           shownLimits     `json:"limits"`
	Discover         *shownDiscover  `json:"discover,omitempty"`
	BuildEnvironment []string        `json:"buildEnvironment,omitzero"`
	Warnings         []string        `json:"warnings,omitempty"`

	granted string
}

type shownLimits struct {
	Time      string `json:"time"`
	Memory    uint64 `json:"memory"`
	Bytes     int64  `json:"bytes"`
	Documents int    `json:"documents"`
	Processes int    `json:"processes"`
	Programs  int    `json:"programs,omitempty"`
	Calls     int    `json:"calls,omitempty"`
}

type shownDiscover struct {
	FileName string `json:"fileName,omitempty"`
	Glob     string `json:"glob,omitempty"`
	Ask      bool   `json:"ask,omitempty"`
}

// kindBuiltin is the kind of plugins that come with Tidelock.
const kindBuiltin = "built-in"

// States of a plugin.
const (
	pluginWorks    = "works"
	pluginDisabled = "disabled"
	pluginBroken   = "broken"
)

// show describes the plugins, and starts each to see whether it works.
func (p *plugins) show(ctx context.Context, only func(names ...string) bool) ([]*shownPlugin, error) {
	var all []*shownPlugin
	for _, spec := range builtinSpecs(p.self, p.options.surroundings) {
		if only(spec.Name) {
			all = append(all, p.shown(spec, kindBuiltin))
		}
	}
	for _, c := range p.list() {
		if only(c.Name, c.ID()) {
			all = append(all, p.shownCustom(c))
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, s := range all {
		if s.State != pluginDisabled {
			g.Go(func() error { p.try(ctx, s); return nil })
		}
	}
	return all, g.Wait()
}

func (p *plugins) try(ctx context.Context, s *shownPlugin) {
	about, err := p.About(ctx, s.Name)
	if err != nil {
		s.State, s.Error = pluginBroken, err.Error()
		return
	}
	s.State, s.Contracts, s.ConfinedBy, s.NotConfinedBy = pluginWorks, about.Contracts, about.ConfinedBy, about.NotConfinedBy
	s.ServedBy, s.NotServedBy = about.Program, about.Instead
	if s.Kind == kindBuiltin {
		s.Program = about.Program
	}
	if s.Version == "" {
		s.Version = about.Version
	}
}

func (p *plugins) shown(spec host.Spec, kind string) *shownPlugin {
	spec = spec.Complete(p.self)
	grants := spec.Grants
	text, err := json.Marshal(map[string]any{
		"network": grants.Network, "exec": grants.Exec, "scratch": grants.Scratch,
		"read": append([]string{}, grants.Files...), "write": append([]string{}, grants.Write...),
	})
	if err != nil {
		text = []byte("null") // of texts nothing can fail
	}
	s := &shownPlugin{
		Name: spec.Name, Kind: kind, Program: spec.Command, Granted: text, granted: grants.String(),
		Limits: shownLimits{
			Time: spec.Limits.Render.String(), Memory: grants.MemoryLimit(), Bytes: spec.Limits.DocumentBytes,
			Documents: spec.Limits.Documents, Processes: spec.Processes, Calls: spec.Calls,
		},
	}
	if grants.Exec {
		s.Limits.Programs = spec.Limits.Programs
	}
	return s
}

func (p *plugins) shownCustom(c *installed.Plugin) *shownPlugin {
	s := p.shown(c.Spec, c.Kind)
	s.Name, s.Version, s.File, s.Program, s.SHA256, s.Pinned = c.ID(), c.Version, c.File, c.Program, c.Checksum, c.Pinned
	s.Warnings, s.BuildEnvironment = c.Warnings, c.BuildEnvironment
	if c.Discover.Configured() {
		s.Discover = &shownDiscover{c.Discover.FileName, c.Discover.Glob, c.Discover.Ask}
	}
	if c.Err != nil {
		s.State, s.Error = pluginDisabled, c.Err.Error()
	}
	return s
}

func newPluginListCommand() *cobra.Command {
	var o pluginOptions
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List plugins, what they may do and whether they work",
		Long: `List the plugins that come with Tidelock and those of the plugin directory: what
each may do beyond computing, what confines it, which program serves it, and
whether it starts.

Exit status: 0 all work, 1 one does not, 2 wrong use.`,
		Example: `  tidelock plugin list
  tidelock plugin list -o json | jq -r '.[] | select(.state != "works") | .error'`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runPluginShow(cmd, o, output, func(...string) bool { return true }, printPlugins)
		},
	}
	o.flags(cmd.Flags())
	addOutputFlag(cmd, &output, "a table", "json", "yaml")
	return cmd
}

func newPluginInfoCommand() *cobra.Command {
	var o pluginOptions
	var output string
	cmd := &cobra.Command{
		Use:   "info NAME",
		Short: "Tell all about a plugin",
		Long: `Tell all about a plugin: what installs and starts it, its checksum, what it may
do, its limits, which directories are its own, and whether it works.

Exit status: 0 it works, 1 it does not, or there is none, 2 wrong use.`,
		Example: `  tidelock plugin info helm
  tidelock plugin info tiny --plugin-dir plugins -o yaml`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: o.complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPluginShow(cmd, o, output, func(names ...string) bool { return slices.Contains(names, args[0]) }, printPlugin)
		},
	}
	o.flags(cmd.Flags())
	addOutputFlag(cmd, &output, "text", "json", "yaml")
	return cmd
}

// complete offers the names of plugins.
func (o *pluginOptions) complete(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []string
	self, err := os.Executable()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	for _, spec := range builtinSpecs(self, surroundings{}) {
		names = append(names, spec.Name)
	}
	custom, _ := o.installed(self) // what cannot be read is not offered
	for _, c := range custom {
		names = append(names, c.ID())
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func runPluginShow(cmd *cobra.Command, o pluginOptions, output string, only func(...string) bool, text func(io.Writer, []*shownPlugin)) error {
	if err := checkOutput(output, "json", "yaml"); err != nil {
		return &usageError{cmd.CommandPath(), err}
	}
	p, err := newHost(quietLogger(), o)
	if err != nil {
		return err
	}
	defer p.Close()
	all, err := p.show(cmd.Context(), only)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("there is no such plugin (hint: tidelock plugin list)")
	}
	out := cmd.OutOrStdout()
	if output == "" {
		text(out, all)
	} else if err := encode(out, output, all); err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(s *shownPlugin) bool { return s.State != pluginWorks }) {
		return &exitStatus{code: exitError}
	}
	return nil
}

func printPlugins(out io.Writer, all []*shownPlugin) {
	rows := [][]string{{"NAME", "VERSION", "KIND", "GRANTED", "CONFINED BY", "SERVED BY", "STATE", "SOURCE"}}
	for _, s := range all {
		rows = append(rows, []string{
			s.Name, orDash(s.Version), s.Kind, grantedShort(s), orDash(strings.Join(s.ConfinedBy, ", ")),
			orDash(baseName(s.ServedBy)), s.State, orDash(s.File),
		})
	}
	newScreen(out).table(rows)
	for _, s := range all {
		if s.Error != "" {
			fmt.Fprintf(out, "%s: %s\n", s.Name, s.Error)
		}
	}
}

// baseName is "" for no path.
func baseName(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Base(path)
}

// grantedShort leaves out paths, of which there may be many.
func grantedShort(s *shownPlugin) string {
	var words []string
	for part := range strings.SplitSeq(s.granted, ", ") {
		word, paths, has := strings.Cut(part, " ")
		if has && strings.HasPrefix(paths, "/") {
			word += fmt.Sprintf(" %d paths", len(strings.Fields(paths)))
		} else {
			word = part
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

func printPlugin(out io.Writer, all []*shownPlugin) {
	for i, s := range all {
		if i > 0 {
			fmt.Fprintln(out)
		}
		field := func(name, value string) {
			if value != "" {
				fmt.Fprintf(out, "%-18s %s\n", name+":", value)
			}
		}
		field("name", s.Name)
		field("version", s.Version)
		field("kind", s.Kind)
		field("serves", strings.Join(s.Contracts, ", "))
		field("state", s.State)
		field("error", s.Error)
		field("installed by", s.File)
		field("runs", s.Program)
		if s.ServedBy != s.Program {
			field("served by", s.ServedBy)
		}
		field("not served by", s.NotServedBy)
		field("sha256", s.SHA256+map[bool]string{true: " (pinned)"}[s.Pinned])
		field("granted", s.granted)
		field("confined by", strings.Join(s.ConfinedBy, ", "))
		field("not confined", strings.Join(s.NotConfinedBy, "; "))
		field("limits", s.Limits.String())
		if d := s.Discover; d != nil {
			field("discovers", strings.TrimSpace(fmt.Sprintf("%s %s%s", d.FileName, d.Glob, map[bool]string{true: "by itself"}[d.Ask])))
		}
		if s.BuildEnvironment != nil {
			field("build environment", orDash(strings.Join(s.BuildEnvironment, ", ")))
		}
		for _, w := range s.Warnings {
			field("warning", w)
		}
	}
}

// String lists the limits for people.
func (l shownLimits) String() string {
	text := fmt.Sprintf("%s, %d MiB of memory, %d MiB and %d documents, %d processes", l.Time, l.Memory>>20, l.Bytes>>20, l.Documents, l.Processes)
	if l.Programs > 0 {
		text += fmt.Sprintf(", %d programs", l.Programs)
	}
	if l.Calls > 0 {
		text += fmt.Sprintf(", %d calls for each process", l.Calls)
	}
	return text
}

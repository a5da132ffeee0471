package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/cmd/release"
	"github.com/tidelock-io/tidelock/plugins/cmp"
	"github.com/tidelock-io/tidelock/plugins/directory"
	"github.com/tidelock-io/tidelock/plugins/helm"
	"github.com/tidelock-io/tidelock/plugins/kustomize"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// builtins are the plugins in this binary. Each runs as a process of its own.
func builtins() map[string]sdk.Plugin {
	return map[string]sdk.Plugin{
		"directory":   directory.Plugin(release.Text()),
		"helm":        helm.Plugin(release.Text()),
		"kustomize":   kustomize.Plugin(release.Text()),
		open.Local:    sops.Plugin(release.Text()),
		open.Services: sops.ServicesPlugin(release.Text()),
		"sealed":      {Name: "sealed", Version: release.Text(), SecretSource: sealed.Source{}},
	}
}

func newPluginCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Show, test and begin plugins",
		Long: `Show, test and begin plugins: programs that render, decrypt or fetch, each in a
confined process.

Custom plugins are installed by a YAML file each in the plugin directory, and so
are Argo CD's, by their plugin.yaml as it is. plugins/README.md tells how.`,
		Example: `  tidelock plugin list
  tidelock plugin info tiny --plugin-dir plugins
  tidelock plugin test tiny apps/web --plugin-dir plugins
  tidelock plugin new tiny`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPluginInfoCommand(), newPluginListCommand(), newPluginNewCommand(), newPluginServeCommand(), newPluginTestCommand())
	return cmd
}

func newPluginServeCommand() *cobra.Command {
	names := slices.Sorted(maps.Keys(builtins()))
	return &cobra.Command{
		Use:   "serve NAME",
		Short: "Serve a built-in plugin; Tidelock itself runs this",
		Long: `Serve a built-in plugin on a private socket, in a sandbox. Tidelock starts this
itself; run by hand it only says so.

Built-in plugins: ` + strings.Join(names, ", "),
		Args:      usage(cobra.ExactArgs(1)),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == cmp.Name {
				plugin, err := cmp.Load(release.Text())
				if err == nil {
					sdk.Serve(plugin)
				}
				return err
			}
			plugin, ok := builtins()[args[0]]
			if !ok {
				return &usageError{cmd.CommandPath(), fmt.Errorf("no built-in plugin %q: there are %s", args[0], strings.Join(names, ", "))}
			}
			sdk.Serve(plugin)
			return nil
		},
	}
}

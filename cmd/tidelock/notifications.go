package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/notify"
	"github.com/tidelock-io/tidelock/secrets"
	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

type notificationsOptions struct {
	console
	files  []string
	output string
}

func newNotificationsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notifications",
		Short: "See what is notified of, and try it",
		Long: `Show the triggers and templates of notifications, and try them on an Application.

They are those of ConfigMap argocd-notifications-cm, as Argo CD has it, and stock ones
that there are without it. What is wrong in the ConfigMap is warned of on stderr.`,
		Example: `  tidelock notifications triggers
  tidelock notifications test on-synced shop

  # a message to a channel, to see whether the service works
  tidelock notifications test on-synced shop --send slack:alerts`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNotificationTriggersCommand(), newNotificationTemplatesCommand(), newNotificationTestCommand())
	return cmd
}

func (o *notificationsOptions) addFlags(cmd *cobra.Command) {
	o.flags(cmd)
	cmd.Flags().StringArrayVarP(&o.files, "filename", "f", nil, "`FILE` with the ConfigMap, and the Secret, in place of the cluster's; may be given several times")
}

func newNotificationTriggersCommand() *cobra.Command {
	var o notificationsOptions
	cmd := &cobra.Command{
		Use:   "triggers [TRIGGER]",
		Short: "List triggers, and what they send",
		Long: `List the triggers that Applications may subscribe to, when they hold, and which
templates they send then. -o yaml is what stands in the ConfigMap, to write one's own.

Exit status: 0 success, 1 failure, 2 wrong use.`,
		Example: `  tidelock notifications triggers
  tidelock notifications triggers on-drift -o yaml

  # in CI, before the ConfigMap is merged: warnings name what is wrong in it
  tidelock notifications triggers -f argocd-notifications-cm.yaml`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: o.completeEntries("trigger."),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.show(cmd, "trigger.", args, func(c *notify.Config) [][]string {
				rows := [][]string{{"TRIGGER", "FROM", "WHEN", "ONCE PER", "SENDS"}}
				for name, stock := range inOrder(c.Triggers()) {
					for _, condition := range c.Trigger(name).Conditions() {
						rows = append(rows, []string{name, origin(stock), condition.When, orDash(condition.OncePer), strings.Join(condition.Send, ", ")})
					}
				}
				return rows
			})
		},
	}
	o.addFlags(cmd)
	addOutputFlag(cmd, &o.output, "a table", "json", "yaml")
	return cmd
}

func newNotificationTemplatesCommand() *cobra.Command {
	var o notificationsOptions
	cmd := &cobra.Command{
		Use:   "templates [TEMPLATE]",
		Short: "List templates",
		Long: `List the templates that triggers may send. -o yaml is what stands in the ConfigMap, to
write one's own.

Exit status: 0 success, 1 failure, 2 wrong use.`,
		Example: `  tidelock notifications templates
  tidelock notifications templates tidelock-synced -o yaml`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: o.completeEntries("template."),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.show(cmd, "template.", args, func(c *notify.Config) [][]string {
				rows := [][]string{{"TEMPLATE", "FROM"}}
				for name, stock := range inOrder(c.Templates()) {
					rows = append(rows, []string{name, origin(stock)})
				}
				return rows
			})
		},
	}
	o.addFlags(cmd)
	addOutputFlag(cmd, &o.output, "a table", "json", "yaml")
	return cmd
}

// inOrder goes through a map by its keys.
func inOrder[T any](m map[string]T) func(func(string, T) bool) {
	return func(yield func(string, T) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

func origin(stock bool) string {
	if stock {
		return "tidelock"
	}
	return keyring.NotificationsConfigMap
}

// show prints the entries of a kind: for people as rows, or as they are written.
func (o *notificationsOptions) show(cmd *cobra.Command, kind string, args []string, rows func(*notify.Config) [][]string) error {
	if err := checkOutput(o.output, "json", "yaml"); err != nil {
		return &usageError{cmd.CommandPath(), err}
	}
	config, source, err := o.config(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if o.output != "" {
		entries, err := entriesOf(source, kind, args)
		if err != nil {
			return err
		}
		return encode(cmd.OutOrStdout(), o.output, entries)
	}
	table := rows(config)
	if len(args) > 0 {
		table = slices.DeleteFunc(table, func(row []string) bool { return row[0] != args[0] && row[1] != "FROM" })
		if len(table) == 1 {
			return fmt.Errorf("there is no %s%s", kind, args[0])
		}
	}
	newScreen(cmd.OutOrStdout()).table(table)
	return nil
}

// entriesOf are those of a kind, stock ones too, as the data of a ConfigMap.
func entriesOf(source notify.Source, kind string, args []string) (map[string]string, error) {
	all := notify.Stock()
	maps.Copy(all, source.ConfigMap)
	maps.DeleteFunc(all, func(key, _ string) bool {
		return !strings.HasPrefix(key, kind) || len(args) > 0 && key != kind+args[0]
	})
	if len(args) > 0 && len(all) == 0 {
		return nil, fmt.Errorf("there is no %s%s", kind, args[0])
	}
	return all, nil
}

// config reads what is configured, and warns of what is wrong with it.
func (o *notificationsOptions) config(ctx context.Context, talk io.Writer) (*notify.Config, notify.Source, error) {
	source, err := o.source(ctx, talk)
	if err != nil {
		return nil, source, err
	}
	config := notify.Compile(source)
	for _, mistake := range config.Mistakes {
		fmt.Fprintf(talk, "warning: %v\n", mistake)
	}
	return config, source, nil
}

func (o *notificationsOptions) source(ctx context.Context, talk io.Writer) (notify.Source, error) {
	if len(o.files) > 0 {
		return readNotifications(o.files)
	}
	ring, err := o.ring()
	if err != nil {
		return notify.Source{}, err
	}
	errs := ring.ReadNotifications(ctx)
	if len(errs) == 2 { // then nothing is known
		return notify.Source{}, errors.Join(errs...)
	}
	for _, err := range errs {
		fmt.Fprintf(talk, "warning: %v\n", err)
	}
	config, secret, _ := ring.Notifications()
	return notify.Source{ConfigMap: config, Secret: secret}, nil
}

// ring reads with the person's rights.
func (o *notificationsOptions) ring() (*keyring.Keyring, error) {
	cfg, err := o.console.config()
	if err != nil {
		return nil, err
	}
	return keyring.New(cfg, keyring.Namespaces{Agent: o.namespace, Sealing: o.namespace}, slog.New(slog.DiscardHandler), func() {})
}

// readNotifications reads the ConfigMap and the Secret from files. Other objects in them
// are not looked at.
func readNotifications(files []string) (notify.Source, error) {
	source := notify.Source{Secret: map[string]secrets.Value{}}
	found := false
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return source, err
		}
		defer file.Close()
		documents := utilyaml.NewYAMLOrJSONDecoder(file, 4096)
		for {
			var object struct {
				corev1.Secret
				Data map[string]string `json:"data"`
			}
			err := documents.Decode(&object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return source, fmt.Errorf("%s: %w", name, err)
			}
			switch {
			case object.Kind == "ConfigMap" && object.Name == keyring.NotificationsConfigMap:
				source.ConfigMap, found = object.Data, true
			case object.Kind == "Secret" && object.Name == keyring.NotificationsSecret:
				if err := addSecret(source.Secret, object.Data, object.StringData); err != nil {
					return source, fmt.Errorf("%s: Secret %s: %w", name, object.Name, err)
				}
			}
		}
	}
	if !found {
		return source, fmt.Errorf("there is no ConfigMap %s in %s", keyring.NotificationsConfigMap, strings.Join(files, ", "))
	}
	return source, nil
}

// completeEntries offers the names of entries of a kind.
func (o *notificationsOptions) completeEntries(kind string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		source, err := o.source(ctx, io.Discard)
		if err != nil { // the stock ones are there in any case
			source = notify.Source{}
		}
		entries, _ := entriesOf(source, kind, nil)
		var names []string
		for name := range inOrder(entries) {
			names = append(names, strings.TrimPrefix(name, kind))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

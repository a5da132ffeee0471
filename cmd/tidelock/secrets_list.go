package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/secrets/inventory"
	"github.com/tidelock-io/tidelock/secrets/recipients"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

type secretsListOptions struct {
	output      string
	open        bool
	ignored     bool
	sealingKeys []string
}

// A listedSecret is an item, and whether it can be read here.
type listedSecret struct {
	*inventory.Item
	Readable readable `json:"readable"`
	// By names the keys, or says why not.
	By string `json:"by,omitempty"`
}

func newSecretsListCommand() *cobra.Command {
	var o secretsListOptions
	cmd := &cobra.Command{
		Use:   "list [PATH]",
		Short: "List what is encrypted, how, for whom, and whether it can be read here",
		Long: `List the SOPS files, SealedSecrets and ExternalSecrets below PATH, the current
directory if there is none: which part is encrypted, for which recipients, with
which scope, from which store, and whether the keys of this machine open it.

Nothing is opened for that: keys are compared by their public halves. "ask" means
that there are credentials for its service, or none that is known of; --open
tries. SealedSecrets name no key, so that --sealed-secrets-key tries, too.

Symbolic links are not followed. What .gitignore names is left out.

Exit status: 0 success, 1 something is malformed, 2 it cannot be told, or wrong
use.`,
		Example: `  tidelock secrets list
  tidelock secrets list apps/api -o wide

  # which files are encrypted for a key that is to go
  tidelock secrets list -o json | jq -r '.[] | select(.recipients[]?.id == "age1...") | .path'`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: anyPath,
		RunE: answer(func(ctx context.Context, cmd *cobra.Command, args []string) (bool, error) {
			if err := checkOutput(o.output, "wide", "json", "yaml"); err != nil {
				return false, &usageError{cmd.CommandPath(), err}
			}
			return runSecretsList(ctx, o, strings.Join(args, ""), cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	f := cmd.Flags()
	addOutputFlag(cmd, &o.output, "a table", "wide", "json", "yaml")
	f.BoolVar(&o.open, "open", false, "try to open each SOPS file, asking services and agents if need be")
	f.BoolVar(&o.ignored, "ignored", false, "look at what .gitignore names, too")
	addSealingKeyFlag(cmd, &o.sealingKeys)
	return cmd
}

func addSealingKeyFlag(cmd *cobra.Command, files *[]string) {
	cmd.Flags().StringArrayVar(files, "sealed-secrets-key", nil, "`FILE` with a private key of sealed-secrets, in PEM or as its Secret; may be given several times")
}

// runSecretsList says whether anything is malformed.
func runSecretsList(ctx context.Context, o secretsListOptions, name string, out, talk io.Writer) (bool, error) {
	p, err := subtreeOf(name)
	if err != nil {
		return false, err
	}
	keys, err := newReaderKeys(ctx, o.sealingKeys, talk)
	if err != nil {
		return false, err
	}
	keys.open = o.open
	screen := newScreen(talk)
	found, err := inventory.Find(ctx, p.tree, p.at, walk.Options{Ignored: o.ignored, Progress: screen.seen}, nil)
	screen.clear()
	if err != nil {
		return false, err
	}
	list := []listedSecret{}
	malformed := false
	for _, item := range found.Items {
		l := listedSecret{Item: item}
		l.Readable, l.By = keys.reads(ctx, item)
		item.Path = p.shown(item.Path)
		malformed = malformed || item.Problem != ""
		list = append(list, l)
	}
	for _, s := range found.Report.Skipped {
		fmt.Fprintf(talk, "warning: %s: not read: %s\n", p.shown(s.Path), s.Reason)
	}
	if o.output == "json" || o.output == "yaml" {
		return malformed, encode(out, o.output, list)
	}
	if len(list) == 0 {
		fmt.Fprintln(talk, "nothing is encrypted here")
		return false, nil
	}
	printSecrets(out, list, o.output == "wide")
	return malformed, nil
}

func printSecrets(out io.Writer, list []listedSecret, wide bool) {
	head := []string{"PATH", "KIND", "HOW", "FOR", "READABLE"}
	if wide {
		head = append(head, "BY", "ITEMS")
	}
	rows := [][]string{head}
	for _, l := range list {
		row := []string{whereOf(l.Item), kindOf(l.Item), howOf(l.Item), forOf(l.Item, wide), string(l.Readable)}
		if wide {
			row = append(row, orDash(l.By), orDash(strings.Join(l.Items, ",")))
		}
		rows = append(rows, row)
	}
	screen := newScreen(out)
	screen.table(rows)
	for _, l := range list {
		if text := l.Problem + l.Note; text != "" {
			screen.line("%s: %s", whereOf(l.Item), oneLine(text))
		}
	}
}

func whereOf(item *inventory.Item) string {
	if item.Line > 0 {
		return item.Path + ":" + strconv.Itoa(item.Line)
	}
	return item.Path
}

func kindOf(item *inventory.Item) string {
	if item.Object != "" {
		return item.Kind + " " + item.Object
	}
	return item.Kind
}

// howOf tells the format and part of a file, the scope of a SealedSecret.
func howOf(item *inventory.Item) string {
	switch {
	case item.Part != nil:
		return item.Format + ", " + item.Part.String()
	case item.Scope != "":
		return item.Scope
	}
	return "-"
}

// forOf tells recipients, or stores.
func forOf(item *inventory.Item, wide bool) string {
	names := append([]string{}, item.Stores...)
	for _, r := range item.Recipients {
		if !wide {
			r.ID = recipients.Short(r.ID)
		}
		names = append(names, r.String())
	}
	if item.Threshold > 0 {
		names = append(names, fmt.Sprintf("any %d groups", item.Threshold))
	}
	const most = 3
	if !wide && len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return orDash(strings.Join(names, ", "))
}

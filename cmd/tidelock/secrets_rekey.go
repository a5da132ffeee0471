package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/secrets/inventory"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

type secretsRekeyOptions struct {
	output  string
	dryRun  bool
	ignored bool
}

// A rekeyer encrypts things of one kind anew, for whom they should be encrypted
// now.
type rekeyer interface {
	flags(f *pflag.FlagSet)
	// kind is that of the items.
	kind() string
	// prepare is called once, before the first item.
	prepare(ctx context.Context, talk io.Writer) error
	// rekey returns the content of a file, some of whose things are given, with
	// these encrypted anew, and says what is different. Nil means that nothing is.
	// In a dry run what is not nil may be anything.
	rekey(ctx context.Context, p *subtree, data []byte, items []*inventory.Item, dryRun bool) (out []byte, changes []string, err error)
}

// rekeyers are those of all kinds.
func rekeyers() []rekeyer { return []rekeyer{&sopsRekeyer{}, &sealedRekeyer{}} }

// What became of a file.
const (
	fileUpToDate = "up to date"
	fileChanges  = "would change" // in a dry run
	fileRekeyed  = "rekeyed"
	fileFailed   = "failed"
	fileLeft     = "left" // nobody asked for it
)

// errLeft says that things of a kind are left as they are.
var errLeft = errors.New("left")

// A rekeyedFile tells what became of one.
type rekeyedFile struct {
	Path    string   `json:"path"`
	Kind    string   `json:"kind"`
	Result  string   `json:"result"`
	Changes []string `json:"changes,omitempty"`
	Error   string   `json:"error,omitempty"`
}

func newSecretsRekeyCommand() *cobra.Command {
	var o secretsRekeyOptions
	all := rekeyers()
	cmd := &cobra.Command{
		Use:   "rekey [PATH]",
		Short: "Encrypt anew for changed recipients",
		Long: `Encrypt what is below PATH, the current directory if there is none, anew where
its recipients are no longer those that they should be.

Of SOPS files the data key is encrypted for the recipients of the creation rule
in .sops.yaml that is for the file, as sops updatekeys does; one that no rule is
for is left. Whoever was a recipient still knows the data key: --rotate makes a
new one, and then encrypts all values anew. What was encrypted for them before
is in Git's history: change such values, too.

Items of SealedSecrets are sealed anew for the newest key, where they are not:
with the old keys of --sealed-secrets-key, or by the controller, so that nothing
is ever decrypted here. All else in a file stays as it is. Without either they
are left.

Each file is replaced at once or not at all, and a failure keeps no other file
from being rekeyed. --dry-run says what would change.

Exit status: 0 success, 1 a file could not be rekeyed, 2 wrong use. With
--dry-run: 0 nothing would change, 1 something would, 2 it cannot be told.`,
		Example: `  # after .sops.yaml has another recipient
  tidelock secrets rekey --dry-run
  tidelock secrets rekey

  # SealedSecrets, with a backup of all keys, or by their controller
  tidelock secrets rekey --sealed-secrets-key backup.yaml
  tidelock secrets rekey --by-controller

  # after somebody has left
  tidelock secrets rekey --rotate apps/api`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: anyPath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(o.output, "json", "yaml"); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return runSecretsRekey(cmd.Context(), o, all, strings.Join(args, ""), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	addOutputFlag(cmd, &o.output, "a line for each file", "json", "yaml")
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing, and say what would change")
	f.BoolVar(&o.ignored, "ignored", false, "look at what .gitignore names, too")
	for _, r := range all {
		r.flags(f)
	}
	return cmd
}

func runSecretsRekey(ctx context.Context, o secretsRekeyOptions, all []rekeyer, name string, out, talk io.Writer) error {
	files, err := o.rekey(ctx, all, name, talk)
	if err != nil && o.dryRun {
		return &exitStatus{exitUnknown, err}
	}
	if err != nil {
		return err
	}
	if o.output != "" {
		if err := encode(out, o.output, files); err != nil {
			return err
		}
	} else {
		printRekeyed(out, files)
	}
	return o.status(files)
}

// status is the exit status that files make.
func (o *secretsRekeyOptions) status(files []rekeyedFile) error {
	has := func(result string) bool {
		return slices.ContainsFunc(files, func(f rekeyedFile) bool { return f.Result == result })
	}
	switch {
	case has(fileFailed) && o.dryRun:
		return &exitStatus{code: exitUnknown}
	case has(fileFailed), has(fileChanges):
		return &exitStatus{code: exitDiffers}
	}
	return nil
}

func (o *secretsRekeyOptions) rekey(ctx context.Context, all []rekeyer, name string, talk io.Writer) ([]rekeyedFile, error) {
	p, err := subtreeOf(name)
	if err != nil {
		return nil, err
	}
	screen := newScreen(talk)
	found, err := inventory.Find(ctx, p.tree, p.at, walk.Options{Ignored: o.ignored, Progress: screen.seen}, nil)
	screen.clear()
	if err != nil {
		return nil, err
	}
	files := []rekeyedFile{}
	for _, r := range all {
		byPath := map[string][]*inventory.Item{}
		for _, item := range found.Items {
			if item.Kind == r.kind() {
				byPath[item.Path] = append(byPath[item.Path], item)
			}
		}
		if len(byPath) == 0 {
			continue
		}
		if err := r.prepare(ctx, talk); err != nil {
			return nil, err
		}
		for _, at := range slices.Sorted(maps.Keys(byPath)) {
			if ctx.Err() != nil {
				return files, errInterrupted
			}
			screen.state("%s", p.shown(at))
			files = append(files, o.file(ctx, r, p, at, byPath[at]))
		}
		screen.clear()
	}
	return files, nil
}

// file rekeys what is in one file.
func (o *secretsRekeyOptions) file(ctx context.Context, r rekeyer, p *subtree, at string, items []*inventory.Item) rekeyedFile {
	f := rekeyedFile{Path: p.shown(at), Kind: r.kind(), Result: fileUpToDate}
	err := func() error {
		data, err := fs.ReadFile(p.tree, at)
		if err != nil {
			return err
		}
		out, changes, err := r.rekey(ctx, p, data, items, o.dryRun)
		f.Changes = changes
		switch {
		case err != nil || out == nil:
			return err
		case o.dryRun:
			f.Result = fileChanges
			return nil
		}
		f.Result = fileRekeyed
		return replaceFile(p.onDisk(at), data, out)
	}()
	switch {
	case errors.Is(err, errLeft):
		f.Result = fileLeft
	case err != nil:
		f.Result, f.Error = fileFailed, strings.TrimPrefix(err.Error(), at+": ")
	}
	return f
}

func printRekeyed(out io.Writer, files []rekeyedFile) {
	screen := newScreen(out)
	counts := map[string]int{}
	for _, f := range files {
		counts[f.Result]++
		if f.Result == fileUpToDate || f.Result == fileLeft {
			continue
		}
		screen.line("%s: %s", f.Path, f.Result)
		for _, change := range f.Changes {
			screen.line("    %s", change)
		}
		if f.Error != "" {
			screen.line("    %s", oneLine(f.Error))
		}
	}
	var parts []string
	for _, result := range []string{fileRekeyed, fileChanges, fileUpToDate, fileLeft, fileFailed} {
		if counts[result] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[result], result))
		}
	}
	if parts == nil {
		parts = []string{"nothing is encrypted here"}
	}
	screen.line("%s", strings.Join(parts, ", "))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/cmd/release"
	"github.com/tidelock-io/tidelock/secrets/scan"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

type secretsScanOptions struct {
	output   string
	staged   bool
	history  string
	config   string
	baseline string
	ignored  bool
	exclude  []string
}

func newSecretsScanCommand() *cobra.Command {
	var o secretsScanOptions
	cmd := &cobra.Command{
		Use:   "scan [PATH]",
		Short: "Look for secrets in clear",
		Long: `Look for secrets in clear in the files below PATH, the current directory if there
is none; with --staged in the lines that are staged for the next commit, with
--history in the lines that commits have added.

Found are the patterns of gitleaks, values in manifests of Secrets, and literals
of secretGenerators. What SOPS or kubeseal encrypted is none, nor are templates
and placeholders such as <password>, ${PASSWORD} and change-me.

What is known is left out by a comment gitleaks:allow on its line, by the
.gitleaks.toml and .gitleaksignore of the repository, and by --baseline, a former
report as JSON, of this command or of gitleaks.

Only where a secret is, and of which kind, is told: nothing of its value. In a
work tree what .gitignore names and files over 4 MiB are left out, and symbolic
links are not followed.

Exit status: 0 no secrets, 1 secrets, 2 it cannot be told, or wrong use.`,
		Example: `  tidelock secrets scan

  # as a Git hook: .git/hooks/pre-commit
  exec tidelock secrets scan --staged

  # what a branch adds, for a review
  tidelock secrets scan --history origin/main..HEAD -o sarif > findings.sarif

  # from now on only what is new
  tidelock secrets scan -o json > known.json
  tidelock secrets scan --baseline known.json`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: anyPath,
		RunE: answer(func(ctx context.Context, cmd *cobra.Command, args []string) (bool, error) {
			if err := o.check(); err != nil {
				return false, &usageError{cmd.CommandPath(), err}
			}
			return runSecretsScan(ctx, o, strings.Join(args, ""), cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	f := cmd.Flags()
	addOutputFlag(cmd, &o.output, "a line for each", "json", "yaml", "sarif")
	f.BoolVar(&o.staged, "staged", false, "look into what is staged for the next commit")
	f.StringVar(&o.history, "history", "", "look into what commits add: those of B that A has not, of `A..B`, or all of B")
	f.StringVar(&o.config, "config", "", "configuration `FILE` of gitleaks; $GITLEAKS_CONFIG or "+scan.ConfigFile+" of the repository if empty")
	f.StringVar(&o.baseline, "baseline", "", "`FILE` with findings that are known")
	f.BoolVar(&o.ignored, "ignored", false, "look into what .gitignore names, too")
	f.StringSliceVar(&o.exclude, "exclude", nil, "`PATTERN` of files to leave out, as in .gitignore")
	return cmd
}

func (o *secretsScanOptions) check() error {
	if o.staged && o.history != "" {
		return errors.New("give --staged or --history")
	}
	if (o.ignored || len(o.exclude) > 0) && (o.staged || o.history != "") {
		return errors.New("--ignored and --exclude are for the files of a work tree")
	}
	return checkOutput(o.output, "json", "yaml", "sarif")
}

// runSecretsScan says whether there are any.
func runSecretsScan(ctx context.Context, o secretsScanOptions, name string, out, talk io.Writer) (bool, error) {
	p, err := subtreeOf(name)
	if err != nil {
		return false, err
	}
	scanner, err := o.scanner(p)
	if err != nil {
		return false, err
	}
	screen := newScreen(talk)
	report, err := o.scan(ctx, p, scanner, screen)
	screen.clear()
	if err != nil {
		return false, err
	}
	for _, s := range report.Skipped {
		fmt.Fprintf(talk, "warning: %s: not looked into: %s\n", s.Path, s.Reason)
	}
	return len(report.Findings) > 0, o.print(out, talk, p, report)
}

func (o *secretsScanOptions) scan(ctx context.Context, p *subtree, scanner *scan.Scanner, screen *screen) (*scan.Report, error) {
	switch {
	case o.staged:
		return scanner.Staged(ctx, p.dir, p.at, os.Getenv("GIT_INDEX_FILE"))
	case o.history != "":
		return scanner.History(ctx, p.dir, p.at, o.history, func(commits int) {
			if commits%100 == 0 {
				screen.state("%d commits", commits)
			}
		})
	}
	return scanner.Tree(ctx, p.tree, p.at, walk.Options{Ignored: o.ignored, Exclude: o.exclude, Progress: screen.seen})
}

// scanner reads what the repository says of rules and of what is known.
func (o *secretsScanOptions) scanner(p *subtree) (*scan.Scanner, error) {
	rules, err := o.rules(p)
	if err != nil {
		return nil, err
	}
	var ignored scan.Ignored
	if text, err := fs.ReadFile(p.tree, scan.IgnoreFile); err == nil {
		ignored.AddFile(text)
	}
	if o.baseline != "" {
		text, err := os.ReadFile(o.baseline)
		if err == nil {
			err = ignored.AddBaseline(text)
		}
		if err != nil {
			return nil, fmt.Errorf("--baseline %s: %w", o.baseline, err)
		}
	}
	return scan.New(rules, ignored), nil
}

func (o *secretsScanOptions) rules(p *subtree) (*scan.Rules, error) {
	from := o.config
	if from == "" {
		from = os.Getenv("GITLEAKS_CONFIG")
	}
	if from != "" {
		text, err := os.ReadFile(from)
		if err != nil {
			return nil, fmt.Errorf("--config: %w", err)
		}
		dir, err := filepath.Abs(filepath.Dir(from))
		if err != nil {
			return nil, err
		}
		return scan.ParseRules(text, filepath.Base(from), dir)
	}
	text, err := fs.ReadFile(p.tree, scan.ConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return scan.DefaultRules(), nil
	}
	if err != nil {
		return nil, err
	}
	return scan.ParseRules(text, scan.ConfigFile, p.dir)
}

func (o *secretsScanOptions) print(out, talk io.Writer, p *subtree, report *scan.Report) error {
	switch o.output {
	case "sarif": // whose paths are those of the repository
		return report.SARIF(out, release.Text())
	case "":
		screen := newScreen(out)
		for _, f := range report.Findings {
			f.Path = p.shown(f.Path)
			screen.line("%s", f)
		}
		printScanned(talk, report)
		return nil
	}
	return encode(out, o.output, report.Findings)
}

func printScanned(talk io.Writer, report *scan.Report) {
	in := fmt.Sprint(report.Files, plural(report.Files, " file", " files"))
	if report.Commits > 0 {
		in += fmt.Sprint(" of ", report.Commits, plural(report.Commits, " commit", " commits"))
	}
	n := len(report.Findings)
	if n == 0 {
		fmt.Fprintf(talk, "no secrets in clear, in %s\n", in)
		return
	}
	fmt.Fprintf(talk, "%d %s in clear, in %s\n", n, plural(n, "secret", "secrets"), in)
	fmt.Fprintln(talk, "hint: encrypt it with tidelock secrets encrypt, and change it if it was ever pushed; one that is none is allowed by a comment gitleaks:allow")
}

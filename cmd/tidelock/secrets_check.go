package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/secrets/check"
	"github.com/tidelock-io/tidelock/secrets/recipients"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

type secretsCheckOptions struct {
	console
	output           string
	repo, revision   string
	files            []string
	recipients       string
	local, open      bool
	project          string
	sealingKeys      []string
	sealingNamespace string
	ignored          bool
	exclude          []string
}

func newSecretsCheckCommand() *cobra.Command {
	var o secretsCheckOptions
	cmd := &cobra.Command{
		Use:   "check [PATH]",
		Short: "Check that a cluster can open what is encrypted, and that it is as its rules say",
		Long: `Check what is encrypted below PATH, the current directory if there is none, or in
a repository that is fetched (--repo, whose PATH is from its root):

  no-key            no key of the cluster opens it
  damaged           it was changed after it was encrypted (--open)
  malformed         it, or the .sops.yaml, cannot be read
  other-recipients  it is encrypted for others than its creation rule says
  other-part        another part of it is encrypted than its creation rule says
  not-encrypted     a creation rule with a path_regex is for it, and it is plain; or
                    SOPS encrypted nothing in it; or it lies in clear beside its
                    encrypted form
  scope             a SealedSecret is deployed where its scope does not allow it

Recipients are compared with the public halves of the cluster's keys. The agent
publishes them in the ConfigMap ` + recipients.ConfigMap + `, for which a kubeconfig and the
right to read it suffice; --recipients takes them from a file, without a cluster:

  kubectl -n argocd get configmap ` + recipients.ConfigMap + ` -o yaml > recipients.yaml

With --open files are truly decrypted, in memory, and their authentication codes
checked: with the key Secrets of the cluster, if you may read them, or with the
keys of this machine (--local). Services such as Vault are asked only then; of
what only they can tell it is said so.

SealedSecrets name no key: they are opened with --sealed-secrets-key, or with the
cluster's keys by --open. With Applications (-f) these are rendered, to see under
which names and in which namespaces they deploy SealedSecrets.

Exit status: 0 all is well, 1 something is found, 2 it cannot be told, or wrong
use.`,
		Example: `  tidelock secrets check
  tidelock secrets check --recipients recipients.yaml        # in CI
  tidelock secrets check -f argocd/                          # scopes, too
  tidelock secrets check --repo https://git.example.com/shop --revision v2
  tidelock secrets check --local --open                      # before a commit`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: anyPath,
		RunE: answer(func(ctx context.Context, cmd *cobra.Command, args []string) (bool, error) {
			if err := o.check(); err != nil {
				return false, &usageError{cmd.CommandPath(), err}
			}
			return runSecretsCheck(ctx, o, strings.Join(args, ""), cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	o.flags(cmd)
	addOutputFlag(cmd, &o.output, "a line for each finding", "json", "yaml")
	f := cmd.Flags()
	f.StringVar(&o.repo, "repo", "", "`URL` of a repository to check instead of files on disk")
	f.StringVar(&o.revision, "revision", "", "commit, branch or tag to check instead of the files on disk")
	f.StringArrayVarP(&o.files, "filename", "f", nil, "`FILE` with Applications that deploy what is checked; may be given several times")
	f.StringVar(&o.recipients, "recipients", "", "`FILE` with the public halves of the cluster's keys, in the place of the cluster")
	f.BoolVar(&o.local, "local", false, "check with the keys of this machine, in the place of the cluster's")
	f.BoolVar(&o.open, "open", false, "decrypt, and check authentication codes")
	f.StringVar(&o.project, "project", "", "only with keys that Applications of `PROJECT` may use; with all if empty")
	f.StringVar(&o.sealingNamespace, "sealed-secrets-namespace", "kube-system", "where the keys of the sealed-secrets controller are")
	f.BoolVar(&o.ignored, "ignored", false, "look at what .gitignore names, too")
	f.StringSliceVar(&o.exclude, "exclude", nil, "`PATTERN` of files to leave out, as in .gitignore")
	addSealingKeyFlag(cmd, &o.sealingKeys)
	return cmd
}

func (o *secretsCheckOptions) check() error {
	switch {
	case o.local && o.recipients != "":
		return errors.New("give --local or --recipients")
	case o.open && o.recipients != "":
		return errors.New("public halves open nothing: --open is for the cluster's keys, or those of this machine (--local)")
	case o.repo != "" && len(o.files) > 0:
		return errors.New("-f is for files on disk, and --repo for a repository that is fetched")
	}
	return checkOutput(o.output, "json", "yaml")
}

// runSecretsCheck says whether anything is wrong.
func runSecretsCheck(ctx context.Context, o secretsCheckOptions, name string, out, talk io.Writer) (bool, error) {
	p, end, err := o.place(ctx, name)
	if err != nil {
		return false, err
	}
	defer end()
	keys, closeKeys, err := o.keys(ctx, talk)
	if err != nil {
		return false, err
	}
	defer closeKeys()
	screen := newScreen(talk)
	result, err := check.Tree(ctx, p.tree, p.at, walk.Options{Ignored: o.ignored, Exclude: o.exclude, Progress: screen.seen}, *keys)
	screen.clear()
	if err != nil {
		return false, err
	}
	if len(o.files) > 0 {
		if err := o.deployed(ctx, p, result, *keys, talk); err != nil {
			return false, err
		}
	}
	result.Sort()
	o.show(p, result)
	return len(result.Findings) > 0, o.print(out, talk, result)
}

// show makes paths those that one would type here.
func (o *secretsCheckOptions) show(p *subtree, r *check.Result) {
	for i := range r.Findings {
		r.Findings[i].Path = p.shown(r.Findings[i].Path)
	}
	for i := range r.Unsure {
		r.Unsure[i] = p.shown(r.Unsure[i])
	}
	for i := range r.Skipped {
		r.Skipped[i].Path = p.shown(r.Skipped[i].Path)
	}
}

func (o *secretsCheckOptions) print(out, talk io.Writer, r *check.Result) error {
	for _, s := range r.Skipped {
		fmt.Fprintf(talk, "warning: %s: not looked at: %s\n", s.Path, s.Reason)
	}
	if o.output != "" {
		return encode(out, o.output, r)
	}
	screen := newScreen(out)
	for _, f := range r.Findings {
		at := f.Path
		if f.Line > 0 {
			at = fmt.Sprintf("%s:%d", f.Path, f.Line)
		}
		if f.Object != "" {
			at += " (" + f.Object + ")"
		}
		screen.line("%s: %s: %s", at, f.Kind, oneLine(f.Message))
	}
	for _, path := range r.Unsure {
		fmt.Fprintf(talk, "note: %s: only what opens it can tell: --open\n", path)
	}
	fmt.Fprintf(talk, "%d encrypted, %d %s\n", r.Checked, len(r.Findings), plural(len(r.Findings), "finding", "findings"))
	return nil
}

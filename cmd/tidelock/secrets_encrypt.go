package main

import (
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/secrets"
)

type secretsEncryptOptions struct {
	to     recipientFlags
	format string
}

var sopsFormats = []string{"yaml", "json", "dotenv", "ini", "binary"}

func newSecretsEncryptCommand() *cobra.Command {
	var o secretsEncryptOptions
	cmd := &cobra.Command{
		Use:   "encrypt FILE...",
		Short: "Encrypt files in place with SOPS",
		Long: `Encrypt files in place, as sops does: for the recipients of the first creation
rule of .sops.yaml that is for the file, or for those that flags name.

Of the manifest of a Secret data and stringData are encrypted, unless the rule or
a flag says which part, or --whole. What is encrypted already is refused.

The file is replaced at once or not at all. What is in Git's history already
stays readable there: such values are to be changed, not only encrypted.

Exit status: 0 success, 1 a file could not be encrypted, 2 wrong use.`,
		Example: `  tidelock secrets encrypt apps/api/secrets/db.yaml
  tidelock secrets encrypt --age age1... .env

  # before a commit: is everything encrypted that should be?
  tidelock secrets check && tidelock secrets scan --staged`,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return runSecretsEncrypt(o, args, cmd.ErrOrStderr())
		},
	}
	o.to.add(cmd.Flags())
	cmd.Flags().StringVar(&o.format, "format", "", either(sopsFormats)+"; by the file's name if empty")
	_ = cmd.RegisterFlagCompletionFunc("format", completeOutputs(sopsFormats...)) // fails only for a flag that is not there
	return cmd
}

func (o *secretsEncryptOptions) check() error {
	if o.format != "" && !strings.Contains(" "+strings.Join(sopsFormats, " ")+" ", " "+o.format+" ") {
		return fmt.Errorf("--format %s: give %s", o.format, either(sopsFormats))
	}
	return o.to.check()
}

func runSecretsEncrypt(o secretsEncryptOptions, names []string, talk io.Writer) error {
	var failed failures
	for _, name := range names {
		if err := o.encrypt(name, talk); err != nil {
			failed = append(failed, err)
		}
	}
	if failed != nil {
		return failed
	}
	return nil
}

func (o *secretsEncryptOptions) encrypt(name string, talk io.Writer) error {
	p, err := subtreeOf(name)
	if err != nil {
		return err
	}
	data, err := fs.ReadFile(p.tree, p.at)
	if err != nil {
		return err
	}
	if file.Format(p.at, data) != "" {
		return fmt.Errorf("%s: %w (hint: tidelock secrets edit changes it, rekey its recipients)", name, file.ErrAlreadyEncrypted)
	}
	rule, rules, err := o.to.rule(p, p.at)
	if err != nil {
		return err
	}
	text := secrets.New(data)
	if rule.Part.Rule == "" && !o.to.whole && file.IsSecret(p.at, o.format, text) {
		rule.Part.Rule, rule.Part.Pattern = file.SecretPart.Rule, file.SecretPart.Pattern
	}
	out, err := file.Encrypt(p.at, o.format, text, rule, rules, file.LocalKeys())
	if err != nil {
		return err
	}
	was := committed(p, p.at)
	if err := replaceFile(p.onDisk(p.at), data, out); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(talk, "%s: encrypted (%s) for %s\n", name, rule.Part, recipientNames(rule.Recipients()))
	if was {
		fmt.Fprintf(talk, "warning: %s: its plain text is in Git's history: change the values, too\n", name)
	}
	return nil
}

// recipientNames prints recipients in a line.
func recipientNames(all []file.Recipient) string {
	var names []string
	for _, r := range all {
		names = append(names, r.String())
	}
	return strings.Join(names, ", ")
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
)

type secretsEditOptions struct {
	to           recipientFlags
	insecureDisk bool
}

func newSecretsEditCommand() *cobra.Command {
	var o secretsEditOptions
	cmd := &cobra.Command{
		Use:   "edit FILE",
		Short: "Edit the plain text of a SOPS file",
		Long: `Decrypt a file, open it in $SOPS_EDITOR, $VISUAL or $EDITOR, and encrypt what was
written. Values that are the same keep their cipher text; if nothing is
different, the file stays as it is. A text that cannot be read is opened again.

A FILE that is not there begins as a Secret, or empty, and is encrypted as by
tidelock secrets encrypt.

The plain text is in a directory in memory that only you may read. It is wiped at
the end, after Ctrl-C and when the editor fails, too. Vim is told to keep no
copies elsewhere; other editors may.

Exit status: 0 success, 1 the file is as it was, for an error, 2 wrong use.`,
		Example: `  tidelock secrets edit apps/api/secrets/db.yaml
  EDITOR="code --wait" tidelock secrets edit .env.production`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.to.check(); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP, syscall.SIGQUIT)
			defer stop()
			return runSecretsEdit(ctx, o, args[0], cmd.InOrStdin(), cmd.ErrOrStderr())
		},
	}
	o.to.add(cmd.Flags())
	cmd.Flags().BoolVar(&o.insecureDisk, "insecure-disk", false, "if no file system is in memory, put the plain text into a temporary file on disk")
	return cmd
}

// A draft is what is edited: an encrypted file, or one that is to be.
type draft struct {
	name string
	text secrets.Value
	// seal returns what to write; nil if nothing is different.
	seal  func(text secrets.Value) ([]byte, error)
	write func(data []byte) error
}

func runSecretsEdit(ctx context.Context, o secretsEditOptions, name string, in io.Reader, talk io.Writer) error {
	d, err := o.draft(name)
	if err != nil {
		return err
	}
	room, err := newClearRoom(o.insecureDisk)
	if err != nil {
		return err
	}
	defer room.wipe()
	data, err := d.edited(ctx, room, in, talk)
	if err != nil {
		return fmt.Errorf("%s is as it was: %w", name, err)
	}
	if data == nil {
		fmt.Fprintf(talk, "%s: nothing was changed\n", name)
		return nil
	}
	if err := d.write(data); err != nil {
		return d.aside(data, err)
	}
	fmt.Fprintf(talk, "%s: encrypted\n", name)
	return nil
}

// edited runs the editor until what it leaves can be encrypted.
func (d *draft) edited(ctx context.Context, room *clearRoom, in io.Reader, talk io.Writer) ([]byte, error) {
	if err := room.put(filepath.Base(d.name), d.text); err != nil {
		return nil, err
	}
	answers := bufio.NewReader(in)
	for {
		text, err := room.edit(ctx)
		if err != nil {
			return nil, err
		}
		data, err := d.seal(text)
		if err == nil {
			return data, nil
		}
		fmt.Fprintf(talk, "tidelock: %v\n", err)
		if err := askAgain(ctx, in, answers, talk); err != nil {
			return nil, err
		}
	}
}

// askAgain waits for Enter. Without anybody to press it there is no next time.
func askAgain(ctx context.Context, in io.Reader, answers *bufio.Reader, talk io.Writer) error {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(talk, "press Enter to edit it again, Ctrl-C to give it up ")
	}
	pressed := make(chan error, 1)
	// A read of a terminal cannot be cancelled, so nobody waits for the group: it
	// ends with the process.
	new(errgroup.Group).Go(func() error {
		_, err := answers.ReadString('\n')
		pressed <- err
		return nil
	})
	select {
	case err := <-pressed:
		if err != nil {
			return errors.New("what the editor left cannot be encrypted, and is given up")
		}
		return nil
	case <-ctx.Done():
		return errInterrupted
	}
}

// aside keeps what was written, encrypted, if it cannot be put in its place.
func (d *draft) aside(data []byte, why error) error {
	end := filepath.Ext(d.name) // tells sops the format
	beside := strings.TrimSuffix(d.name, end) + ".edited" + end
	if err := writeFile(beside, data, 0o600); err != nil {
		return fmt.Errorf("%s: %w", d.name, why)
	}
	return fmt.Errorf("%s: %w: what you wrote is in %s, encrypted", d.name, why, beside)
}

// draft opens a file, or begins a new one.
func (o *secretsEditOptions) draft(name string) (*draft, error) {
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return o.begin(name)
	}
	p, err := subtreeOf(name)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(p.tree, p.at)
	if err != nil {
		return nil, err
	}
	rules, err := rulesAbove(p.tree, path.Dir(p.at))
	if err != nil {
		return nil, err
	}
	f, err := file.Read(p.at, data, rules)
	if errors.Is(err, file.ErrNotEncrypted) {
		return nil, fmt.Errorf("%w (hint: tidelock secrets encrypt %s)", err, name)
	}
	if err != nil {
		return nil, err
	}
	opened, err := f.Open(file.LocalKeys())
	if err != nil {
		return nil, err
	}
	text, err := opened.Text()
	if err != nil {
		return nil, err
	}
	return &draft{
		name: name, text: text,
		seal: func(text secrets.Value) ([]byte, error) {
			out, _, err := opened.Seal(text)
			return out, err
		},
		write: func(out []byte) error { return replaceFile(p.onDisk(p.at), data, out) },
	}, nil
}

// begin makes a draft of a file that is not there yet.
func (o *secretsEditOptions) begin(name string) (*draft, error) {
	p, err := subtreeOf(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	at := path.Join(p.at, filepath.Base(name))
	rule, rules, err := o.to.rule(p, at)
	if err != nil {
		return nil, err
	}
	first := secrets.New([]byte(beginning(at)))
	return &draft{
		name: name, text: first,
		seal: func(text secrets.Value) ([]byte, error) {
			if text.Equal(first) {
				return nil, nil
			}
			if rule.Part.Rule == "" && !o.to.whole && file.IsSecret(at, "", text) {
				rule.Part.Rule, rule.Part.Pattern = file.SecretPart.Rule, file.SecretPart.Pattern
			}
			return file.Encrypt(at, "", text, rule, rules, file.LocalKeys())
		},
		write: func(out []byte) error {
			if _, err := os.Lstat(name); err == nil {
				return errors.New("it was made by somebody else meanwhile")
			}
			return writeFile(name, out, 0o644)
		},
	}, nil
}

// beginning is what a new file begins with.
func beginning(at string) string {
	switch path.Ext(at) {
	case ".yaml", ".yml":
		return "apiVersion: v1\nkind: Secret\nmetadata:\n    name: \"\"\nstringData:\n    key: value\n"
	case ".json":
		return "{\n\t\"key\": \"value\"\n}\n"
	case ".env", ".ini":
		return "KEY=value\n"
	}
	return ""
}

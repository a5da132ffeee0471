package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sops/file"
)

func newSecretsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "List, check, make and change what is encrypted in Git",
		Long: `List, check, make and change what is encrypted in Git: SOPS files, SealedSecrets
and ExternalSecrets.

Keys are those that sops finds on this machine, and private keys of
sealed-secrets that are given. No command prints a value.`,
		Example: `  tidelock secrets list
  tidelock secrets encrypt apps/api/secrets/db.yaml
  tidelock secrets edit apps/api/secrets/db.yaml

  tidelock secrets seal < secret.yaml > apps/api/secrets/db.yaml

  # after .sops.yaml has another recipient, or there is a newer sealing key
  tidelock secrets rekey
  tidelock secrets rekey --sealed-secrets-key backup.yaml

  # as a Git hook
  tidelock secrets scan --staged`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSecretsCheckCommand(), newSecretsEditCommand(), newSecretsEncryptCommand(), newSecretsListCommand(), newSecretsRekeyCommand(),
		newSecretsScanCommand(), newSecretsSealCommand())
	return cmd
}

// A subtree is a part of a tree of files, on disk.
type subtree struct {
	tree fs.FS
	dir  string // of the tree's root on disk; "" for a commit
	at   string // the part, from the root
	here string // the current directory, for what is shown
}

// subtreeOf finds the part that a path on disk means: a file or a directory. The
// tree is the Git work tree that it lies in, for rules lie further up.
func subtreeOf(name string) (*subtree, error) { return subtreeIn(git.Dir, name) }

// subtreeIn is subtreeOf with a tree of a kind.
func subtreeIn(open func(dir string) (*git.Tree, error), name string) (*subtree, error) {
	if name == "" {
		name = "."
	}
	real, err := filepath.EvalSymlinks(name)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: no such file or directory", name)
	}
	root := real
	if info, err := os.Stat(real); err == nil && !info.IsDir() {
		root = filepath.Dir(real)
	}
	if top, ok := worktreeOf(root); ok {
		root = top
	} else if above, ok := ruledBy(root); ok {
		root = above
	}
	at, err := filepath.Rel(root, real)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	tree, err := open(root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &subtree{tree: tree, dir: root, at: filepath.ToSlash(at)}
	if here, err := os.Getwd(); err == nil {
		p.here, _ = filepath.EvalSymlinks(here) // without it paths are whole
	}
	return p, nil
}

// ruledBy looks upwards for the next directory with a .sops.yaml.
func ruledBy(dir string) (string, bool) {
	for {
		if _, err := os.Stat(filepath.Join(dir, file.RulesFile)); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// shown is a path of the tree as one would type it here.
func (p *subtree) shown(at string) string {
	if p.dir == "" {
		return at
	}
	name := p.onDisk(at)
	if short, err := filepath.Rel(p.here, name); err == nil {
		return filepath.ToSlash(short)
	}
	return name
}

// onDisk is where a file of the tree is.
func (p *subtree) onDisk(at string) string { return filepath.Join(p.dir, filepath.FromSlash(at)) }

// anyPath completes paths.
func anyPath(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// seen says how far a walk is, on a terminal, once it has taken a while.
func (s *screen) seen(files int) {
	if files%500 == 0 && time.Since(s.since) > unspoken {
		s.state("%d files", files)
	}
}

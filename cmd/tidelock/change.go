package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
	"sigs.k8s.io/kustomize/api/konfig"
)

// A fileChange is what becomes of a file.
type fileChange struct {
	file    string
	was, is []byte
}

// changeOptions are those of commands that change files of a repository.
type changeOptions struct {
	dryRun  bool
	colour  string
	message string
	commit  bool
	branch  string
	push    bool
	remote  string
}

const commitHelp = `With --commit the change is committed, and nothing else: what is staged stays
staged. Files that have other changes, not committed yet, are refused then. --branch
makes a branch for it first, unless you are on it; --push pushes that to --remote,
without force. It is git that does it, with its hooks, signatures and credentials.`

func (o *changeOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would change, and change nothing")
	f.BoolVar(&o.commit, "commit", false, "commit the change; --branch, --message and --push do, too")
	f.StringVar(&o.branch, "branch", "", "commit to branch `NAME`, which is made if you are not on it")
	f.BoolVar(&o.push, "push", false, "push the branch with the commit")
	f.StringVarP(&o.message, "message", "m", "", "`TEXT` of the commit, in place of one that says what changes")
	f.StringVar(&o.remote, "remote", "origin", "`REMOTE` to push to")
	addColourFlag(cmd, &o.colour)
}

func (o *changeOptions) check() error {
	if strings.HasPrefix(o.branch, "-") || strings.HasPrefix(o.remote, "-") || o.remote == "" {
		return errors.New("--branch, --remote: a name does not begin with -, and is not empty")
	}
	o.commit = o.commit || o.push || o.branch != "" || o.message != ""
	return checkColour(o.colour)
}

// run prints changes, makes them, commits and pushes them, as far as it is asked.
func (o *changeOptions) run(ctx context.Context, changes []fileChange, message string, out, talk io.Writer) error {
	if len(changes) == 0 {
		fmt.Fprintln(talk, "nothing to change")
		return nil
	}
	screen := newScreen(out).colour(o.colour)
	for _, c := range changes {
		screen.diff(c)
	}
	if o.dryRun {
		return nil
	}
	if o.message != "" {
		message = o.message
	}
	var work *gitWork
	if o.commit {
		var err error
		if work, err = newGitWork(ctx, changes, o.branch, o.push); err != nil {
			return err
		}
	}
	for _, c := range changes {
		if err := c.write(); err != nil {
			return err
		}
	}
	if !o.commit {
		return nil
	}
	if err := work.commit(ctx, message, talk); err != nil {
		return err
	}
	if o.push {
		return work.push(ctx, o.remote, talk)
	}
	return nil
}

// write puts the new text in the place of the old one, which nobody may have
// changed meanwhile. A reader never sees half of it.
func (c fileChange) write() error {
	target, err := filepath.EvalSymlinks(c.file)
	if err != nil {
		return err
	}
	if now, err := os.ReadFile(target); err != nil {
		return err
	} else if string(now) != string(c.was) {
		return fmt.Errorf("%s changed meanwhile: try again", c.file)
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(target), ".tidelock-")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // fails once it is renamed
	_, err = temporary.Write(c.is)
	if err = errors.Join(err, temporary.Chmod(info.Mode().Perm()), temporary.Close()); err != nil {
		return fmt.Errorf("write %s: %w", c.file, err)
	}
	return os.Rename(temporary.Name(), target)
}

// inRepository is a path as from the root of the repository that it is in, as git
// prints it.
func inRepository(path string) string {
	whole, err := filepath.Abs(path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	if root, ok := worktreeOf(whole); ok {
		if within, err := filepath.Rel(root, whole); err == nil {
			path = within
		}
	}
	return filepath.ToSlash(path)
}

// diff prints a change as a unified diff, which git apply takes.
func (s *screen) diff(c fileChange) {
	name := inRepository(c.file)
	for line := range strings.Lines(string(diff.Diff("a/"+name, c.was, "b/"+name, c.is))) {
		text := strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(text, "diff "):
			continue
		case strings.HasPrefix(text, "---"), strings.HasPrefix(text, "+++"):
			text = s.paint("head", text)
		case strings.HasPrefix(text, "@@"):
			text = s.paint("mark", text)
		case strings.HasPrefix(text, "-"):
			text = s.paint("bad", text)
		case strings.HasPrefix(text, "+"):
			text = s.paint("good", text)
		}
		s.line("%s", text)
	}
}

// kustomizationOf is the file of a directory, or the file itself.
func kustomizationOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return path, nil
	}
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := filepath.Join(path, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			found = append(found, file)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s has no kustomization.yaml: name the directory of an overlay", path)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%s has several kustomizations: %s", path, strings.Join(found, ", "))
}

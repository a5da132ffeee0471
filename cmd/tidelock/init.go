package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	filippo "filippo.io/age"
	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/render/overlay"
)

//go:embed newrepo
var newRepoFiles embed.FS

type initOptions struct {
	Project, App, URL, Branch string
	Environments              []string
	Age                       string
	Environment               string // of one file
	ImageName, ImageTag       string

	dir    string
	image  string
	ci     []string
	dryRun bool
}

func newInitCommand() *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Begin a repository, or one more service in it",
		Long: `Write the layout of a repository into DIR, or where you are:

  argocd/                     an AppProject, and an Application per environment
  apps/APP/base/              what the service is everywhere
  apps/APP/overlays/ENV/      what differs in an environment
  .sops.yaml                  for whom secrets are encrypted, with --age
  .pre-commit-config.yaml     checks before a commit
  .github/, .gitlab-ci.yml    checks of a pull request, by --ci

No file that is there is written to: what it would have been is left out, and said.
So 'tidelock init --app NAME' adds a service to a repository that was begun so, and
--environments another environment. Only to the lists of the AppProject is added what
it does not permit of the new Applications yet.

Exit status: 0 success, 1 failure, 2 wrong use.`,
		Example: `  # in a clone of an empty repository
  tidelock init --app shop --image registry.example.com/shop:1.0.0

  # which files that would be
  tidelock init --app shop --dry-run

  # three environments, secrets for a key, checks for GitLab
  tidelock init --app shop --environments dev,staging,production --age age1... --ci gitlab`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.dir = filepath.Clean(strings.Join(args, ""))
			if err := o.check(); err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return runInit(o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.App, "app", "app", "`NAME` of the service")
	f.StringVar(&o.Project, "project", "services", "`NAME` of the AppProject")
	f.StringSliceVar(&o.Environments, "environments", []string{"staging", "production"}, "`NAMES` of the environments")
	f.StringVar(&o.image, "image", "nginxinc/nginx-unprivileged:1.29", "`NAME:TAG` of the service's image")
	f.StringVar(&o.URL, "repo-url", "", "`URL` of the repository; that of the remote origin if empty")
	f.StringVar(&o.Branch, "branch", "main", "`BRANCH` that the Applications follow")
	f.StringVar(&o.Age, "age", "", "age `RECIPIENT` to encrypt secrets for")
	f.StringSliceVar(&o.ci, "ci", []string{"github"}, "checks for `SERVICES`: github, gitlab, or none")
	f.BoolVar(&o.dryRun, "dry-run", false, "list the files, and write none")
	return cmd
}

var (
	aLabel  = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$`)
	anURL   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.@:/_~%-]*$`)
	aBranch = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9./_-]*$`)
)

func (o *initOptions) check() error {
	if len(o.Environments) == 0 {
		return errors.New("--environments: name one")
	}
	for _, name := range append([]string{o.App, o.Project}, o.Environments...) {
		if !aLabel.MatchString(name) {
			return fmt.Errorf("%q: a name has at most 30 lower case letters, digits and dashes, and begins with a letter", name)
		}
	}
	image, err := overlay.ParseImage(o.image)
	if err != nil || image.NewTag == "" || image.NewTag == overlay.Keep || image.Digest != "" || !anURL.MatchString(image.Name) {
		return fmt.Errorf("--image %s: give NAME:TAG", o.image)
	}
	o.ImageName, o.ImageTag = image.Name, image.NewTag
	if o.Age != "" {
		if _, err := filippo.ParseRecipients(strings.NewReader(o.Age)); err != nil || strings.ContainsAny(o.Age, "\r\n") {
			return fmt.Errorf("--age %s: it is no recipient of age", o.Age)
		}
	}
	for _, service := range o.ci {
		if !slices.Contains([]string{"github", "gitlab", "none"}, service) {
			return fmt.Errorf("--ci %s: give github, gitlab or none", service)
		}
	}
	if !aBranch.MatchString(o.Branch) {
		return fmt.Errorf("--branch %q: it is no name of a branch", o.Branch)
	}
	return o.checkURL()
}

// checkURL takes the remote's if none is given. What it has of a login stays here.
func (o *initOptions) checkURL() error {
	if o.URL == "" {
		for _, w := range worktreesOf(filepath.Join(o.dir, ".")) {
			o.URL = strings.Join(w.remotes[:min(1, len(w.remotes))], "")
		}
		if at, err := url.Parse(o.URL); err == nil && strings.HasPrefix(at.Scheme, "http") {
			at.User = nil
			o.URL = at.String()
		}
	}
	if o.URL == "" {
		return errors.New("name the repository's URL with --repo-url, for there is no remote to take it from")
	}
	if at, err := url.Parse(o.URL); !anURL.MatchString(o.URL) || (err == nil && at.User != nil && strings.HasPrefix(at.Scheme, "http")) {
		return errors.New("--repo-url: give the URL of a repository, without a login")
	}
	return nil
}

// A newFile is a template and where it goes, with what it is told.
type newFile struct {
	template, to string
	data         initOptions
}

func (o *initOptions) files() (files []newFile) {
	add := func(template, to string) { files = append(files, newFile{template, to, *o}) }
	app := "apps/" + o.App
	add("README.md.tmpl", "README.md")
	add("argocd/project.yaml.tmpl", o.projectFile())
	for _, name := range []string{"kustomization", "deployment", "service"} {
		add("apps/base/"+name+".yaml.tmpl", app+"/base/"+name+".yaml")
	}
	for _, o.Environment = range o.Environments {
		add("argocd/application.yaml.tmpl", "argocd/"+o.App+"-"+o.Environment+".yaml")
		add("apps/overlay/kustomization.yaml.tmpl", app+"/overlays/"+o.Environment+"/kustomization.yaml")
	}
	if o.Age != "" {
		add("sops.yaml.tmpl", ".sops.yaml")
	}
	add("pre-commit.yaml", ".pre-commit-config.yaml")
	if slices.Contains(o.ci, "github") {
		add("github.yaml", ".github/workflows/tidelock.yaml")
	}
	if slices.Contains(o.ci, "gitlab") {
		add("gitlab.yaml", ".gitlab-ci.yml")
	}
	return files
}

// runInit prints the files that it writes. Through no link does it write out of
// the directory.
func runInit(o initOptions, out, talk io.Writer) error {
	if !o.dryRun {
		if err := os.MkdirAll(o.dir, 0o755); err != nil {
			return err
		}
	}
	admits, err := o.admit(talk)
	if err != nil {
		return err
	}
	for _, file := range o.files() {
		text, err := file.text()
		if err != nil {
			return err
		}
		switch err := o.write(file.to, text); {
		case errors.Is(err, fs.ErrExist) && admits && file.to == o.projectFile():
			fmt.Fprintln(out, file.to)
		case errors.Is(err, fs.ErrExist):
			fmt.Fprintf(talk, "left as it is: %s\n", file.to)
		case err != nil:
			return err
		default:
			fmt.Fprintln(out, file.to)
		}
	}
	return nil
}

func (o *initOptions) write(to string, text []byte) error {
	if o.dryRun {
		if _, err := os.Lstat(filepath.Join(o.dir, to)); err == nil {
			return fs.ErrExist
		}
		return nil
	}
	root, err := os.OpenRoot(o.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	file, err := root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

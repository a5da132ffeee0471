package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
)

//go:embed newplugin
var newPluginFiles embed.FS

type newPluginOptions struct {
	Name, Module, SDK string
	dir               string
}

// nameOfPlugin is what a plugin and its files may be called.
var nameOfPlugin = regexp.MustCompile(`^[a-z][a-z0-9-]{0,40}$`)

func newPluginNewCommand() *cobra.Command {
	var o newPluginOptions
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Begin a plugin in Go",
		Long: `Write a module with a renderer that works, its test, and the YAML that installs
it, into a new directory.

Exit status: 0 success, 1 failure, 2 wrong use.`,
		Example: `  tidelock plugin new tiny
  cd tiny && go mod tidy && go test . && go build .
  tidelock plugin list --plugin-dir .

  # with a checkout of Tidelock
  tidelock plugin new tiny --sdk ../tidelock/plugins/sdk`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			if !nameOfPlugin.MatchString(o.Name) {
				return &usageError{cmd.CommandPath(), fmt.Errorf("%q: a name has lower case letters, digits and dashes", o.Name)}
			}
			return runPluginNew(o, cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Module, "module", "", "`PATH` of the Go module; example.com/NAME if empty")
	f.StringVar(&o.SDK, "sdk", "", "`DIR` with Tidelock's plugins/sdk, in place of its newest version")
	f.StringVar(&o.dir, "dir", "", "`DIR` to write to, which must not be there; ./NAME if empty")
	return cmd
}

func runPluginNew(o newPluginOptions, talk io.Writer) error {
	if o.dir == "" {
		o.dir = o.Name
	}
	if o.Module == "" {
		o.Module = "example.com/" + o.Name
	}
	if o.SDK != "" {
		sdk, err := filepath.Abs(o.SDK)
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(sdk, "renderer.go")); err != nil {
			return fmt.Errorf("--sdk %s: it is not Tidelock's plugins/sdk", o.SDK)
		}
		o.SDK = sdk
	}
	if err := os.Mkdir(o.dir, 0o755); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: give another --dir", o.dir)
	} else if err != nil {
		return err
	}
	if err := fs.WalkDir(newPluginFiles, "newplugin", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return o.write(name)
	}); err != nil {
		return err
	}
	fmt.Fprintf(talk, "wrote %s: go mod tidy && go test . && go build . there, then tidelock plugin list --plugin-dir %s\n", o.dir, o.dir)
	return nil
}

func (o *newPluginOptions) write(name string) error {
	t, err := template.ParseFS(newPluginFiles, name)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, o); err != nil {
		return err
	}
	to := strings.TrimSuffix(strings.TrimPrefix(name, "newplugin/"), ".tmpl")
	if to == "plugin.yaml" {
		to = o.Name + ".yaml"
	}
	to = filepath.Join(o.dir, filepath.FromSlash(to))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text.Bytes(), 0o644)
}

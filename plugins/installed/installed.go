// Package installed reads the directory in which custom plugins are installed:
// for each a YAML file, which says how it is started, how far it may go and
// which directories are its own, and mostly its program beside it. Argo CD's
// plugin.yaml is such a file, too.
//
// Start with [Read]. A file with an error disables one plugin, and no other.
package installed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/cmp/definition"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/strict"
)

// Kinds of plugins.
const (
	KindProgram = "program" // built with package sdk
	KindArgoCD  = "argocd"  // commands of a ConfigManagementPlugin
)

// A Plugin is one that was installed, or was to be.
type Plugin struct {
	// Name and Version, "" if there is none, are what Applications call it by:
	// "NAME" or "NAME-VERSION".
	Name, Version string
	Kind          string
	// File is the YAML that installs it. Program is what runs: a program, or the
	// plugin.yaml that names the commands.
	File, Program string
	// Checksum is the SHA-256 of Program as it was read; Pinned says that the
	// YAML demands it.
	Checksum string
	Pinned   bool
	// Spec is how it is started. Its Name is the plugin's ID.
	Spec     host.Spec
	Discover Discover
	// BuildEnvironment are the variables of the build environment that it is
	// given; nil is all of them.
	BuildEnvironment []string
	// Definition is that of KindArgoCD.
	Definition *definition.Definition
	// Warnings are sentences about what is stated and not done, or not safe.
	Warnings []string
	// Digest changes with anything that may change what it renders.
	Digest string
	// Err is why it is disabled; nil if it is not.
	Err error
}

// Discover says which directories are a plugin's own. Without a rule it has to
// be named.
type Discover struct {
	// FileName and Glob are patterns, relative to the directory: there must be a
	// file.
	FileName, Glob string
	// Ask has the plugin itself decide.
	Ask bool
}

// Configured says whether there is a rule.
func (d Discover) Configured() bool { return d != Discover{} }

// ID is the name that is the plugin's alone.
func (p *Plugin) ID() string {
	if p.Version == "" {
		return p.Name
	}
	return p.Name + "-" + p.Version
}

// Called says whether a name is the plugin's.
func (p *Plugin) Called(name string) bool { return name == p.Name || name == p.ID() }

// Options say how to read.
type Options struct {
	// Self is this program, which runs plugins of KindArgoCD.
	Self string
	// Rather, if set, runs them whenever it can be started.
	Rather *host.Program
	// Taken are names that no plugin may have: those of the built-ins.
	Taken []string
	// RequireChecksums disables plugins that are not pinned.
	RequireChecksums bool
	// Getenv gives variables of this process's environment.
	Getenv func(string) string
}

// Read returns the plugins of a directory, in the order of their IDs: those of
// its YAML files, and of files DIRECTORY/plugin.yaml. Its error is that the
// directory cannot be read.
func Read(dir string, o Options) ([]*Plugin, error) {
	dir, err := filepath.Abs(dir) // for a plugin's working directory is another
	if err != nil {
		return nil, err
	}
	files, err := list(dir)
	if err != nil {
		return nil, err
	}
	var all []*Plugin
	for _, file := range files {
		all = append(all, read(file, o))
	}
	slices.SortStableFunc(all, func(a, b *Plugin) int { return strings.Compare(a.ID(), b.ID()) })
	refuseTaken(all, o.Taken)
	return all, nil
}

// Stamp changes when the files of a directory or the programs of its plugins do,
// as far as that shows without reading them.
func Stamp(dir string, plugins []*Plugin) string {
	files, err := list(dir)
	stamp := fmt.Sprint(err)
	for _, p := range plugins {
		files = append(files, p.Program)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			stamp += fmt.Sprintf("\n%s %d %d", file, info.Size(), info.ModTime().UnixNano())
		}
	}
	return stamp
}

// list names the YAML files. What begins with a dot is no file of a person's:
// Kubernetes mounts ConfigMaps by way of "..data".
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the plugin directory: %w", err)
	}
	var files []string
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
			files = append(files, name)
		} else if inner := filepath.Join(name, "plugin.yaml"); isFile(inner) {
			files = append(files, inner)
		}
	}
	return files, nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// refuseTaken disables plugins whose names are others' already.
func refuseTaken(all []*Plugin, taken []string) {
	owner := map[string]string{}
	for _, name := range taken {
		owner[name] = "a built-in plugin"
	}
	for _, p := range all {
		if of := owner[p.ID()]; of != "" {
			p.disable(fmt.Errorf("%s: the name %s is taken by %s", p.File, p.ID(), of))
			continue
		}
		if of := owner[p.Name]; of == "a built-in plugin" {
			p.disable(fmt.Errorf("%s: the name %s is taken by %s", p.File, p.Name, of))
			continue
		}
		owner[p.ID()] = p.File
	}
}

// disable keeps the first reason.
func (p *Plugin) disable(err error) {
	if p.Err == nil && err != nil {
		p.Err = err
	}
}

// read reads one file. Its name stands in for that of a plugin that does not
// tell its own.
func read(file string, o Options) *Plugin {
	p := &Plugin{File: file, Name: strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), Kind: KindProgram}
	if p.Name == "plugin" {
		p.Name = filepath.Base(filepath.Dir(file))
	}
	text, err := readFile(file)
	if err != nil {
		p.disable(err)
		return p
	}
	p.guess(text)
	if strict.Peek(text, "kind") == definition.Kind {
		p.disable(p.argoCD(text, &pluginFile{}, o))
	} else {
		p.disable(p.own(text, o))
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %v", text, p.Checksum, o.RequireChecksums))
	p.Digest = hex.EncodeToString(sum[:])
	return p
}

// guess takes names and rules of discovery from a file that may have an error:
// who wants the plugin is told so, and no other renderer is taken for its
// directories.
func (p *Plugin) guess(text []byte) {
	name, version, under := []string{"name"}, []string{"version"}, []string{"discover"}
	if strict.Peek(text, "kind") == definition.Kind {
		name, version, under = []string{"metadata", "name"}, []string{"spec", "version"}, []string{"spec", "discover"}
	}
	p.Name, p.Version = or(strict.Peek(text, name...), p.Name), strict.Peek(text, version...)
	p.Discover.FileName = strict.Peek(text, append(under, "fileName")...)
	p.Discover.Glob = strict.Peek(text, append(under, "find", "glob")...)
	if definition.CheckGlob("", p.Discover.FileName) != nil || definition.CheckGlob("", p.Discover.Glob) != nil {
		p.Discover = Discover{}
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// readFile reads a file that a person wrote.
func readFile(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > strict.MaxText {
		return nil, fmt.Errorf("%s: the file has %d bytes, %d are allowed", file, info.Size(), strict.MaxText)
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file", file)
	}
	return text, err
}

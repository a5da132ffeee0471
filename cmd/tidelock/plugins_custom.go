package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/plugins/cmp"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/installed"
	"github.com/tidelock-io/tidelock/render"
)

const (
	// defaultPluginDir is where custom plugins are installed. It need not be there.
	defaultPluginDir = "/etc/tidelock/plugins"
	// pluginDirEnv names the variable with another default.
	pluginDirEnv = "TIDELOCK_PLUGIN_DIR"
	// pluginPoll is how often the directory is looked at for changes.
	pluginPoll = 10 * time.Second
)

// pluginOptions say which custom plugins there are.
type pluginOptions struct {
	dir              string
	requireChecksums bool
	requireSandbox   bool
	scratch          string
	surroundings
}

func (o *pluginOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.dir, "plugin-dir", "", "`DIR` with custom plugins: a YAML file for each, see tidelock plugin --help. Default: $"+pluginDirEnv+", or "+defaultPluginDir)
	f.BoolVar(&o.requireChecksums, "require-plugin-checksums", false, "disable custom plugins whose YAML does not pin them by a checksum")
	f.StringVar(&o.scratch, "plugin-scratch-dir", "", "`DIR` for the copies that plugins make of repositories: on a tmpfs, for what is in them is decrypted. Default: /dev/shm")
}

// directory is where to look. One that nobody named may be missing.
func (o *pluginOptions) directory() (dir string, named bool) {
	if o.dir != "" {
		return o.dir, true
	}
	if dir := os.Getenv(pluginDirEnv); dir != "" {
		return dir, true
	}
	return defaultPluginDir, false
}

// installed reads the directory.
func (o *pluginOptions) installed(self string) ([]*installed.Plugin, error) {
	taken := []string{cmp.Name}
	for _, spec := range builtinSpecs(self, o.surroundings) {
		taken = append(taken, spec.Name)
	}
	dir, named := o.directory()
	all, err := installed.Read(dir, installed.Options{
		Self: self, Rather: companion(self, cmp.Name), Taken: taken, RequireChecksums: o.requireChecksums, Getenv: os.Getenv,
	})
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, nil
	}
	return all, err
}

// plugins are those that come with Tidelock and those that are installed.
type plugins struct {
	*host.Host
	calls   caller // the Host; tests that go through a day have another
	options pluginOptions
	self    string
	log     *slog.Logger

	mu     sync.Mutex // guards the fields below
	custom []*installed.Plugin
	known  []*render.Custom
	stamp  string // of the directory
}

// customs are the custom plugins as the engine knows them.
func (p *plugins) customs() []*render.Custom {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known
}

// read reads the plugin directory and returns the plugins that are new or not as
// they were.
func (p *plugins) read() (changed []*installed.Plugin, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	dir, _ := p.options.directory()
	p.stamp = installed.Stamp(dir, p.custom)
	now, err := p.options.installed(p.self)
	if err != nil {
		return nil, err
	}
	p.stamp = installed.Stamp(dir, now)
	before := map[string]*installed.Plugin{}
	for _, c := range p.custom {
		before[c.File] = c
	}
	for _, c := range now {
		if old := before[c.File]; old != nil && old.Digest == c.Digest && (old.Err == nil) == (c.Err == nil) {
			delete(before, c.File)
		} else {
			changed = append(changed, c)
		}
	}
	for _, old := range before {
		p.remove(old)
	}
	for _, c := range changed {
		if c.Err == nil {
			p.Set(c.ID(), &c.Spec)
		}
	}
	p.custom, p.known = now, known(now)
	return append(changed, gone(before, now)...), nil
}

// gone are plugins that are no longer installed.
func gone(before map[string]*installed.Plugin, now []*installed.Plugin) (list []*installed.Plugin) {
	for _, old := range before {
		if !slices.ContainsFunc(now, func(c *installed.Plugin) bool { return c.File == old.File }) {
			list = append(list, &installed.Plugin{Name: old.Name, Version: old.Version, File: old.File, Err: errors.New("it is no longer installed")})
		}
	}
	return list
}

func (p *plugins) remove(c *installed.Plugin) {
	if c.Err == nil {
		p.Set(c.ID(), nil)
	}
}

func known(all []*installed.Plugin) []*render.Custom {
	list := []*render.Custom{}
	for _, c := range all {
		list = append(list, &render.Custom{
			ID: c.ID(), Name: c.Name, FileName: c.Discover.FileName, Glob: c.Discover.Glob, Ask: c.Discover.Ask,
			Env: c.BuildEnvironment, Digest: c.Digest, Err: c.Err,
		})
	}
	return list
}

// announce logs what is installed, and what it may do.
func (p *plugins) announce(list []*installed.Plugin) {
	for _, c := range list {
		if c.Err != nil {
			p.log.Warn("plugin disabled", "plugin", c.ID(), "file", c.File, "error", c.Err)
			continue
		}
		p.log.Info("plugin installed", "plugin", c.ID(), "file", c.File, "kind", c.Kind, "granted", c.Spec.Grants.String(), "sha256", c.Checksum)
		for _, w := range c.Warnings {
			p.log.Warn("plugin is not as it could be", "plugin", c.ID(), "file", c.File, "warning", w)
		}
	}
}

// watch looks for changes of the plugin directory until ctx ends: by the sizes
// and times of its files, for volumes of Kubernetes tell no more.
func (p *plugins) watch(ctx context.Context, changed func()) error {
	tick := time.NewTicker(pluginPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !p.moved() {
			continue
		}
		list, err := p.read()
		if err != nil {
			p.log.Warn("the plugin directory cannot be read, plugins stay as they are", "error", err)
		}
		p.announce(list)
		if len(list) > 0 {
			changed()
		}
	}
}

// moved says whether the plugin directory is not as it was when it was read.
func (p *plugins) moved() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	dir, _ := p.options.directory()
	return installed.Stamp(dir, p.custom) != p.stamp
}

func (p *plugins) list() []*installed.Plugin {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.custom
}

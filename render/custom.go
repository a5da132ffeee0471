package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// A Custom is a custom plugin, as much of it as an Engine has to know.
type Custom struct {
	// ID is what Plugins calls it by. Applications may call it by Name, too.
	ID, Name string
	// FileName and Glob are patterns: a directory with such a file is the
	// plugin's. Ask has the plugin itself decide.
	FileName, Glob string
	Ask            bool
	// Env are the variables of the build environment that it uses; nil is all.
	Env []string
	// Digest changes with what it may render.
	Digest string
	// Err is why it is disabled.
	Err error
}

func (c *Custom) discoverable() bool { return c.FileName != "" || c.Glob != "" || c.Ask }

// customs says that a render depends on the custom plugins.
type customs int

const (
	noCustom     customs = iota
	thatDiscover         // those with rules of discovery
	allCustom            // all of them
)

// customDigest changes with the custom plugins that count.
func (e *Engine) customDigest(count customs) string {
	var parts []string
	for _, c := range e.customs() {
		if count == allCustom || c.discoverable() {
			parts = append(parts, c.ID, c.Digest)
		}
	}
	return digest(parts)
}

// named finds the plugin that a source's block names, or one whose rules match.
func (p *pass) named(source *api.Source) error {
	p.out.usesCustom = allCustom
	name := source.Plugin.Name
	if name == "" {
		return p.discovered(source)
	}
	if p.engine.custom == nil {
		p.custom = &Custom{ID: name, Name: name}
		return nil
	}
	var found []*Custom
	for _, c := range p.engine.customs() {
		if c.ID == name {
			found = []*Custom{c}
			break
		}
		if c.Name == name {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 0:
		return &Error{
			Where: source.Path, Kind: ErrUnsupported, Err: fmt.Errorf("there is no plugin %q", name),
			Hint: installHint(idsOf(p.engine.customs())),
		}
	case len(found) > 1:
		return &Error{
			Where: source.Path, Kind: ErrUnsupported, Err: fmt.Errorf("there are several versions of the plugin %q", name),
			Hint: "name one of " + orNone(idsOf(found)),
		}
	}
	p.custom = found[0]
	return p.enabled(source)
}

// discovered finds the plugin for a block that names none.
func (p *pass) discovered(source *api.Source) error {
	found, err := p.discover(source)
	if err != nil || found {
		return err
	}
	var rules []string
	for _, c := range p.engine.customs() {
		if c.discoverable() {
			rules = append(rules, c.String())
		}
	}
	return &Error{
		Where: source.Path, Kind: ErrUnsupported, Err: errors.New("no plugin takes the directory for its own"),
		Hint: "name one in plugin.name; these look for directories: " + orNone(rules),
	}
}

// String says what a plugin looks for.
func (c *Custom) String() string {
	switch {
	case c.FileName != "":
		return c.ID + " (" + c.FileName + ")"
	case c.Glob != "":
		return c.ID + " (" + c.Glob + ")"
	}
	return c.ID + " (decides itself)"
}

// discover looks for the first plugin whose rules match (SEMANTICS.md 1.2). What
// it looks at is an input, what is not there included.
func (p *pass) discover(source *api.Source) (bool, error) {
	p.out.usesCustom = max(p.out.usesCustom, thatDiscover)
	for _, c := range p.engine.customs() {
		if !c.discoverable() {
			continue
		}
		matches, err := p.matches(c, source)
		if err != nil {
			return false, err
		}
		if matches {
			p.custom = c
			return true, p.enabled(source)
		}
	}
	return false, nil
}

func (p *pass) matches(c *Custom, source *api.Source) (bool, error) {
	switch {
	case c.FileName != "":
		return p.hasFile(source.Path, c.FileName)
	case c.Glob != "":
		return p.hasFile(source.Path, c.Glob)
	case c.Err != nil:
		p.out.result.Warnings = append(p.out.result.Warnings, fmt.Sprintf("plugin %s is disabled, and was not asked whether the directory is its own: %v", c.ID, c.Err))
		return false, nil //nolint:nilerr // it disables one plugin, and no other's Applications
	}
	return p.ask(c, source)
}

// ask has a plugin decide, by rendering.
func (p *pass) ask(c *Custom, source *api.Source) (bool, error) {
	asking := *source
	if asking.Plugin == nil {
		asking.Plugin = &api.PluginSource{}
	}
	p.custom = c
	request, err := p.request(api.SourceTypePlugin, &asking)
	if err != nil {
		return false, err
	}
	p.engine.stats.renders.Add(1)
	p.answered, err = p.engine.plugins.Render(p.ctx, c.ID, request)
	if errors.Is(err, sdk.ErrNotMine) {
		p.custom = nil
		return false, nil
	}
	return err == nil, err
}

// enabled fails for a disabled plugin.
func (p *pass) enabled(source *api.Source) error {
	if p.custom.Err == nil {
		return nil
	}
	return &Error{
		Where: source.Path, Kind: ErrUnsupported, Err: fmt.Errorf("plugin %s is disabled: %w", p.custom.ID, p.custom.Err),
		Hint: "tidelock plugin info " + p.custom.ID,
	}
}

// hasFile says whether a file of the directory matches a pattern.
func (p *pass) hasFile(dir, pattern string) (bool, error) {
	found := errors.New("found")
	err := doublestar.GlobWalk(below{p.view, dir}, path.Clean(pattern), func(string, fs.DirEntry) error { return found },
		doublestar.WithFilesOnly(), doublestar.WithNoFollow(), doublestar.WithFailOnIOErrors())
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}

// below is a directory of a view.
type below struct {
	view *view
	dir  string
}

func (b below) Open(name string) (fs.File, error)     { return b.view.Open(path.Join(b.dir, name)) }
func (b below) Stat(name string) (fs.FileInfo, error) { return b.view.Stat(path.Join(b.dir, name)) }
func (b below) ReadDir(name string) ([]fs.DirEntry, error) {
	return b.view.ReadDir(path.Join(b.dir, name))
}

func (e *Engine) customs() []*Custom {
	if e.custom == nil {
		return nil
	}
	return e.custom()
}

func idsOf(list []*Custom) []string {
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}

func installHint(installed []string) string {
	if len(installed) == 0 {
		return "install it: none is (--plugin-dir)"
	}
	return "install it, or name one that is: " + strings.Join(installed, ", ")
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "(none)"
	}
	return strings.Join(names, ", ")
}

// usesVersions says whether the plugin is to know the destination.
func (c *Custom) usesVersions() bool {
	return c.Env == nil || slices.Contains(c.Env, "KUBE_VERSION") || slices.Contains(c.Env, "KUBE_API_VERSIONS")
}

// pick leaves the named variables, and an Application's own; all for nil.
func pick(env map[string]string, names []string) map[string]string {
	if names == nil {
		return env
	}
	some := map[string]string{}
	for name, value := range env {
		if strings.HasPrefix(name, envPrefix) || slices.Contains(names, name) {
			some[name] = value
		}
	}
	return some
}

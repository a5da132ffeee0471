package installed

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/plugins/cmp/definition"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
	"github.com/tidelock-io/tidelock/plugins/strict"
)

// A pluginFile is the YAML that installs a plugin: a program, or with CMP the
// commands of a plugin.yaml.
type pluginFile struct {
	Name    string   `yaml:"name"`
	Version string   `yaml:"version"`
	Command string   `yaml:"command"`
	Args    []string `yaml:"args"`
	// CMP is an Argo CD plugin.yaml to run, instead of a command.
	CMP string `yaml:"cmp"`
	// Copy and Encrypted say what CMP's commands see of the repository.
	Copy      []string `yaml:"copy"`
	Encrypted bool     `yaml:"encrypted"`
	// SHA256 is that of the program, or of the plugin.yaml.
	SHA256 string `yaml:"sha256"`
	// Env is the plugin's environment; InheritEnv are variables that it has of
	// Tidelock's own.
	Env        map[string]string `yaml:"env"`
	InheritEnv []string          `yaml:"inheritEnv"`
	// BuildEnvironment are the variables of Argo CD's build environment that the
	// plugin uses. A change of another does not have it render again.
	BuildEnvironment []string      `yaml:"buildEnvironment"`
	Grants           grantsFile    `yaml:"grants"`
	Limits           limitsFile    `yaml:"limits"`
	Discover         *discoverFile `yaml:"discover"`
}

type grantsFile struct {
	Network bool     `yaml:"network"`
	Exec    *bool    `yaml:"exec"`
	Scratch *bool    `yaml:"scratch"`
	Read    []string `yaml:"read"`
	Write   []string `yaml:"write"`
}

type limitsFile struct {
	Time      duration `yaml:"time"`
	Start     duration `yaml:"start"`
	Idle      duration `yaml:"idle"`
	Memory    size     `yaml:"memory"`
	Bytes     size     `yaml:"bytes"`
	Documents int      `yaml:"documents"`
	Processes int      `yaml:"processes"`
	Programs  int      `yaml:"programs"`
	Calls     int      `yaml:"calls"`
}

type discoverFile struct {
	FileName string   `yaml:"fileName"`
	Find     findFile `yaml:"find"`
	Ask      bool     `yaml:"ask"`
}

type findFile struct {
	Glob    string   `yaml:"glob"`
	Command []string `yaml:"command"`
}

var (
	nameable = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
	checksum = regexp.MustCompile(`^[0-9a-f]{64}$`)
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// own reads a file of our own form.
func (p *Plugin) own(text []byte, o Options) error {
	f := &pluginFile{}
	if err := strict.Decode(p.File, text, f); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return fmt.Errorf("%s: %w", p.File, err)
	}
	if f.CMP != "" {
		p.Kind, p.Program = KindArgoCD, p.beside(f.CMP)
		inner, err := readFile(p.Program)
		if err != nil {
			return fmt.Errorf("%s: cmp: %w", p.File, err)
		}
		p.Name = or(strict.Peek(inner, "metadata", "name"), p.Name)
		return p.argoCD(inner, f, o)
	}
	p.Name, p.Version, p.Program = f.Name, f.Version, p.beside(f.Command)
	p.Spec = host.Spec{Command: p.Program, Args: f.Args, Says: f.Name, Env: pairs(f.environment(o)), Grants: f.grants(sandbox.Grants{})}
	if f.Discover != nil {
		p.Discover = Discover{FileName: f.Discover.FileName, Glob: f.Discover.Find.Glob, Ask: f.Discover.Ask}
	}
	return p.finish(f, o)
}

// finish does what is alike for both kinds.
func (p *Plugin) finish(f *pluginFile, o Options) error {
	p.BuildEnvironment = f.BuildEnvironment
	p.Spec.Name = p.ID()
	p.Spec.Calls, p.Spec.Processes = f.Limits.Calls, f.Limits.Processes
	p.Spec.Limits.Start, p.Spec.Limits.Idle = time.Duration(f.Limits.Start), time.Duration(f.Limits.Idle)
	if f.Limits.Time > 0 {
		p.Spec.Limits.Render = time.Duration(f.Limits.Time)
	}
	p.Spec.Limits.Documents, p.Spec.Limits.DocumentBytes, p.Spec.Limits.Programs = f.Limits.Documents, int64(f.Limits.Bytes), f.Limits.Programs
	return p.pin(f.SHA256, o)
}

// beside finds a file that is named relative to the YAML.
func (p *Plugin) beside(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(filepath.Dir(p.File), name)
}

// grants are what the file grants, over what its kind has anyway.
func (f *pluginFile) grants(g sandbox.Grants) sandbox.Grants {
	if f.Grants.Exec != nil {
		g.Exec = *f.Grants.Exec
	}
	if f.Grants.Scratch != nil {
		g.Scratch = *f.Grants.Scratch
	}
	if f.Grants.Read != nil {
		g.Files = f.Grants.Read
	}
	g.Network, g.Write, g.Memory = f.Grants.Network, f.Grants.Write, uint64(f.Limits.Memory) //nolint:gosec // a size is positive
	return g
}

// environment is the plugin's own.
func (f *pluginFile) environment(o Options) map[string]string {
	env := maps.Clone(f.Env)
	if env == nil {
		env = map[string]string{}
	}
	for _, name := range f.InheritEnv {
		if value := o.Getenv(name); value != "" {
			env[name] = value
		}
	}
	return env
}

func pairs(env map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, name+"="+env[name])
	}
	return all
}

func (f *pluginFile) check() error {
	switch {
	case (f.Command == "") == (f.CMP == ""):
		return errors.New("state one of command, a program, and cmp, a plugin.yaml of Argo CD")
	case f.CMP != "" && (f.Name != "" || f.Version != "" || len(f.Args) > 0 || f.Discover != nil):
		return errors.New("name, version, args and discover are those of the plugin.yaml that cmp names")
	case f.CMP == "" && (f.Copy != nil || f.Encrypted):
		return errors.New("copy and encrypted are for cmp: a program says itself what it copies")
	case f.CMP == "" && !nameable.MatchString(f.Name):
		return fmt.Errorf("name: %q: want lower case letters, digits, dots and dashes", f.Name)
	case f.Version != "" && !nameable.MatchString(strings.ToLower(f.Version)), len(f.Name+f.Version) > 62:
		return errors.New("version: want letters, digits, dots and dashes, with the name 62 at most")
	case f.SHA256 != "" && !checksum.MatchString(f.SHA256):
		return errors.New("sha256: want 64 digits of a hexadecimal number, as sha256sum prints it")
	}
	return errors.Join(f.checkPaths(), f.checkNames(), f.Limits.check(), f.Discover.check())
}

func (f *pluginFile) checkPaths() error {
	for field, paths := range map[string][]string{"grants.read": f.Grants.Read, "grants.write": f.Grants.Write} {
		for _, p := range paths {
			if !filepath.IsAbs(p) {
				return fmt.Errorf("%s: %q: want an absolute path", field, p)
			}
		}
	}
	return nil
}

func (f *pluginFile) checkNames() error {
	for field, names := range map[string][]string{"env": slices.Collect(maps.Keys(f.Env)), "inheritEnv": f.InheritEnv, "buildEnvironment": f.BuildEnvironment} {
		for _, name := range names {
			if !variable.MatchString(name) {
				return fmt.Errorf("%s: %q is no name of a variable", field, name)
			}
			if field != "buildEnvironment" && (strings.HasPrefix(name, "TIDELOCK_") || strings.HasPrefix(name, "PLUGIN_")) {
				return fmt.Errorf("%s: %s is for Tidelock's own use", field, name)
			}
		}
	}
	return nil
}

func (l limitsFile) check() error {
	for name, n := range map[string]int{"documents": l.Documents, "processes": l.Processes, "programs": l.Programs, "calls": l.Calls} {
		if n < 0 {
			return fmt.Errorf("limits.%s: %d is less than nothing", name, n)
		}
	}
	if l.Processes > 4*runtime.NumCPU() {
		return fmt.Errorf("limits.processes: %d are too many for %d processors", l.Processes, runtime.NumCPU())
	}
	return nil
}

func (d *discoverFile) check() error {
	switch {
	case d == nil:
		return nil
	case len(d.Find.Command) > 0:
		return errors.New("discover.find.command: a program is asked itself: state discover.ask, and have it return ErrNotMine")
	case d.FileName == "" && d.Find.Glob == "" && !d.Ask:
		return errors.New("discover: state one of fileName, find.glob and ask")
	}
	return errors.Join(definition.CheckGlob("discover.fileName", d.FileName), definition.CheckGlob("discover.find.glob", d.Find.Glob))
}

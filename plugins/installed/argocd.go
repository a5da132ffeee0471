package installed

import (
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/tidelock-io/tidelock/plugins/cmp"
	"github.com/tidelock-io/tidelock/plugins/cmp/definition"
	"github.com/tidelock-io/tidelock/plugins/host"
)

// systemPrograms are where a system keeps programs and what these load. The
// commands of a plugin.yaml may use them if nothing else is said.
var systemPrograms = []string{"/bin", "/sbin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"}

// execTimeout is Argo CD's for commands of plugins.
const execTimeout = 90 * time.Second

// argoCD reads a plugin.yaml, which our own file f refers to, or stands for if f
// is empty.
func (p *Plugin) argoCD(text []byte, f *pluginFile, o Options) error {
	p.Kind, p.Program = KindArgoCD, or(p.Program, p.File)
	d, err := definition.Parse(p.Program, text)
	if err != nil {
		return err
	}
	p.Definition, p.Name, p.Version, p.Warnings = d, d.Metadata.Name, d.Spec.Version, d.Warnings()
	p.Discover = Discover{FileName: d.Spec.Discover.FileName, Glob: d.Spec.Discover.Find.Glob, Ask: d.Spec.Discover.Asks() != nil}
	if p.Discover.FileName != "" {
		p.Discover.Glob = "" // the first rule counts
	}
	config, err := json.Marshal(cmp.Config{File: p.Program, Env: f.environment(o), Copy: f.Copy, Encrypted: f.Encrypted})
	if err != nil {
		return err
	}
	grants := cmp.Needs
	grants.Files = append([]string{filepath.Dir(p.Program)}, systemPrograms...)
	p.Spec = host.Spec{
		Command: o.Self, Args: []string{"plugin", "serve", cmp.Name}, Rather: o.Rather, Says: d.ID(),
		Env: []string{cmp.ConfigEnv + "=" + string(config)}, Grants: f.grants(grants),
		Limits: host.Limits{Render: execTimeout},
	}
	return p.finish(f, o)
}

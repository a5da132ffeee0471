package kustomize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// inflates says whether a kustomization has charts.
func (k *kustomization) inflates() bool {
	return k.field("helmCharts") != nil || k.field("helmChartInflationGenerator") != nil || k.field("helmGlobals") != nil
}

// inflate has the charts of a kustomization rendered, and puts what comes of them
// in the charts' place: a component that is read first, which is when kustomize
// would call helm.
func (f *files) inflate(k *kustomization, content *types.Kustomization) error {
	charts := content.HelmCharts
	globals := types.HelmGlobals{}
	if content.HelmGlobals != nil {
		globals = *content.HelmGlobals
	}
	content.HelmCharts, content.HelmGlobals = nil, nil
	var all []byte
	for i := range charts {
		chart := &inflation{HelmChart: charts[i], files: f, of: k, home: globals.ChartHome}
		chart.line = k.lineOfChart(i)
		text, err := chart.inflate()
		if err != nil {
			return err
		}
		all = append(all, text...)
	}
	if globals.ConfigHome != "" {
		f.warn("%s: helmGlobals.configHome is ignored: there are no files of Helm's own", k.file)
	}
	if len(all) > 0 {
		content.Components = append([]string{f.room(path.Dir(k.file), all)}, content.Components...)
	}
	return nil
}

// room makes a component of resources, in a directory below dir that is in no
// tree, and returns its name.
func (f *files) room(dir string, resources []byte) string {
	name := ".tidelock-charts-" + strconv.Itoa(len(f.rooms))
	room := path.Join(dir, name)
	f.rooms[room] = true
	f.made[path.Join(room, "charts.yaml")] = resources
	f.made[path.Join(room, "kustomization.yaml")] = []byte("apiVersion: " + types.ComponentVersion + "\nkind: Component\nresources: [charts.yaml]\n")
	return name
}

// lineOfChart is where a chart is listed; 0 if it is a legacy one.
func (k *kustomization) lineOfChart(i int) int {
	if list := items(k.field("helmCharts")); i < len(list) {
		return list[i].Line
	}
	return 0
}

// An inflation is one chart of a kustomization.
type inflation struct {
	types.HelmChart
	files *files
	of    *kustomization
	line  int
	home  string // of charts, relative to the kustomization
	dir   string // of the chart, in the tree
}

func (c *inflation) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: helmCharts: "+format, append([]any{c.of.place(c.line)}, args...)...)
}

func (c *inflation) inflate() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := c.find(); err != nil {
		return nil, err
	}
	source, err := c.source()
	if err != nil {
		return nil, err
	}
	options, err := json.Marshal(source)
	if err != nil {
		return nil, c.errorf("chart %s: %w", c.Name, err)
	}
	result, err := c.files.host.Render(c.files.ctx, sdk.NestedRequest{Plugin: "helm", Path: c.dir, Options: options, Namespace: source.Namespace})
	if err != nil {
		return nil, c.files.failNow(c.errorf("chart %s: %w", c.Name, err))
	}
	text, err := c.files.take(result, rendered{skipHooks: c.SkipHooks, helm: true})
	if err != nil {
		return nil, c.errorf("what chart %s renders: %w", c.Name, err)
	}
	return text, nil
}

// check refuses what kustomize refuses.
func (c *inflation) check() error {
	switch {
	case c.Name == "":
		return c.errorf("a chart needs a name")
	case strings.HasPrefix(c.Name, "-"), strings.HasPrefix(c.ReleaseName, "-"):
		return c.errorf("chart %s: a name must not begin with a dash", c.Name)
	case c.ReleaseName != "" && c.NameTemplate != "":
		return c.errorf("chart %s: releaseName and nameTemplate exclude each other", c.Name)
	}
	switch c.ValuesMerge {
	case "", "merge", "override", "replace":
		return nil
	}
	return c.errorf("chart %s: valuesMerge is one of merge, override and replace, not %q", c.Name, c.ValuesMerge)
}

// find looks for the chart in the home of charts, and has it fetched if it is not
// there.
func (c *inflation) find() error {
	home := c.home
	if home == "" {
		home = types.HelmDefaultHome
	}
	if path.IsAbs(home) {
		return c.errorf("chartHome %q is on a disk: name a directory of the repository", home)
	}
	home = path.Join(path.Dir(c.of.file), home)
	if c.Version != "" && c.Repo != "" {
		home = path.Join(home, c.Name+"-"+c.Version)
	}
	c.dir = path.Join(home, c.Name)
	if strings.HasPrefix(c.dir, "../") || c.dir == ".." {
		return c.errorf("chart %s: chartHome leaves the repository", c.Name)
	}
	if c.files.IsDir(rooted(c.dir)) {
		return nil
	}
	if c.Repo == "" {
		return c.errorf("chart %s is not in %s: set repo to where it is, or put it there", c.Name, home)
	}
	return c.fetch()
}

func (c *inflation) fetch() error {
	source := sdk.Source{URL: c.Repo, Chart: c.Name, Revision: c.Version}
	if strings.HasPrefix(c.Repo, "oci://") {
		source = sdk.Source{URL: strings.TrimSuffix(c.Repo, "/") + "/" + c.Name, Revision: c.Version}
	}
	if c.Version == "" {
		c.files.warn("%s: chart %s names no version: it is the newest, which moves", c.of.place(c.line), c.Name)
		if c.Devel {
			source.Revision = ">0.0.0-0"
		}
	}
	mounted, err := c.files.host.Mount(c.files.ctx, source)
	if err != nil {
		return c.files.failNow(c.errorf("%w", err))
	}
	c.files.mounts[mounted.Path] = source
	c.dir = mounted.Path
	return nil
}

// helmSource is spec.source.helm of an Application, as much of it as is needed.
type helmSource struct {
	ReleaseName string   `json:"releaseName"`
	Namespace   string   `json:"namespace"`
	ValueFiles  []string `json:"valueFiles,omitempty"`
	Values      string   `json:"values,omitempty"`
	SkipCrds    bool     `json:"skipCrds,omitempty"`
	SkipTests   bool     `json:"skipTests,omitempty"`
	KubeVersion string   `json:"kubeVersion,omitempty"`
	APIVersions []string `json:"apiVersions,omitempty"`
}

// source says to the helm plugin what kustomize would say to helm.
func (c *inflation) source() (*helmSource, error) {
	s := &helmSource{
		ReleaseName: c.ReleaseName, Namespace: c.Namespace,
		SkipCrds: !c.IncludeCRDs, SkipTests: c.SkipTests,
		KubeVersion: c.KubeVersion, APIVersions: c.ApiVersions,
	}
	if o := c.files.options; o.KubeVersion != "" {
		s.KubeVersion = o.KubeVersion
	}
	if o := c.files.options; len(o.APIVersions) > 0 {
		s.APIVersions = o.APIVersions
	}
	if s.Namespace == "" {
		s.Namespace = c.of.namespace
	}
	if s.Namespace == "" {
		s.Namespace = "default"
	}
	var err error
	if s.ReleaseName == "" {
		if s.ReleaseName, err = c.releaseName(); err != nil {
			return nil, err
		}
	}
	s.Values, s.ValueFiles, err = c.values()
	return s, err
}

// releaseName is what `helm template` calls a release without a name. Of the
// functions of a name's template, none gives another result each time.
func (c *inflation) releaseName() (string, error) {
	if c.NameTemplate == "" {
		return "release-name", nil
	}
	t, err := template.New("nameTemplate").Funcs(sprig.HermeticTxtFuncMap()).Parse(c.NameTemplate)
	if err != nil {
		return "", c.errorf("chart %s: %w", c.Name, err)
	}
	var name bytes.Buffer
	if err := t.Execute(&name, nil); err != nil {
		return "", c.errorf("chart %s: %w", c.Name, err)
	}
	return name.String(), nil
}

package helm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"path"
	"runtime/debug"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// Plugin returns the plugin, to be served.
func Plugin(version string) sdk.Plugin {
	return sdk.Plugin{Name: "helm", Version: version, Renderer: Renderer{}, Setup: setup, Warm: warm}
}

// Renderer renders a directory that holds a chart.
type Renderer struct{}

// Render returns ErrNotMine if the directory has no Chart.yaml.
func (Renderer) Render(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	options, err := parseOptions(req.Options)
	if err != nil {
		return nil, err
	}
	r := &rendering{ctx: ctx, req: req, options: options}
	documents, err := r.run()
	if err != nil {
		return nil, err
	}
	return &sdk.RenderResult{Documents: documents, Warnings: r.warnings}, nil
}

// rendering is one call of Render.
type rendering struct {
	ctx      context.Context
	req      *sdk.RenderRequest
	options  *options
	root     string // the chart's directory, with symlinks followed
	charts   *loading
	chart    *chart.Chart
	inputs   *inputs
	warnings []string
}

func (r *rendering) warn(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

func (r *rendering) run() ([]sdk.Document, error) {
	if err := r.findChart(); err != nil {
		return nil, err
	}
	r.charts = newLoading(r)
	c, err := r.charts.load(r.root)
	if err != nil {
		return nil, err
	}
	r.chart, r.inputs = c, newInputs(r)
	values, err := r.inputs.merge()
	if err != nil {
		return nil, err
	}
	release, err := r.release()
	if err != nil {
		return nil, err
	}
	capabilities, err := r.capabilities()
	if err != nil {
		return nil, err
	}
	if err := r.check(c, capabilities); err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return nil, r.explainValues(c, err)
	}
	return r.execute(c, func() (common.Values, error) {
		top, err := commonutil.ToRenderValuesWithSchemaValidation(c, values, release, capabilities, true)
		if err != nil {
			return nil, r.explainValues(c, err)
		}
		return top, r.validate(c, top)
	})
}

// findChart makes sure that there is one.
func (r *rendering) findChart() error {
	dir := path.Clean(r.req.Path)
	sdk.Prefetch(r.req.Tree, dir, path.Join(dir, chartFile), path.Join(dir, ignoreFile))
	root, info, err := r.req.Tree.Resolve(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: is not a directory", dir)
	}
	r.root = root
	_, err = r.req.Tree.ReadFile(path.Join(root, chartFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w: it has no Chart.yaml", root, sdk.ErrNotMine)
	}
	return err
}

// release describes what `helm template` would install.
func (r *rendering) release() (common.ReleaseOptions, error) {
	name := r.options.ReleaseName
	if name == "" {
		_, inNamespace, ok := strings.Cut(r.req.Application, "_")
		if name = r.req.Application; ok {
			name = inNamespace
		}
	}
	if err := chartutil.ValidateReleaseName(name); err != nil {
		return common.ReleaseOptions{}, fmt.Errorf("the release name %q is not valid: helm takes up to 53 small letters, digits, dashes and dots; set helm.releaseName", name)
	}
	namespace := r.options.Namespace
	if namespace == "" {
		namespace = r.req.Namespace
	}
	if namespace == "" {
		namespace = "default"
	}
	return common.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}, nil
}

// check refuses what helm would not install, and warns of what will not last.
func (r *rendering) check(c *chart.Chart, capabilities *common.Capabilities) error {
	file := path.Join(r.root, chartFile)
	if kind := c.Metadata.Type; kind != "" && kind != "application" {
		return fmt.Errorf("%s: %s is a %s chart, which renders nothing by itself; name the chart that depends on it", file, c.Name(), kind)
	}
	if want := c.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, capabilities.KubeVersion.String()) {
		return fmt.Errorf("%s: the chart %s %s is for Kubernetes %s, the destination has %s; use another version of the chart, or set helm.kubeVersion",
			file, c.Name(), c.Metadata.Version, want, capabilities.KubeVersion.Version)
	}
	if c.Metadata.Deprecated {
		r.warn("%s: the chart %s is deprecated", file, c.Name())
	}
	if r.options.Version != "" {
		r.warn("helm.version %q is ignored: Tidelock has one version of Helm", r.options.Version)
	}
	return nil
}

// setup silences helm's loggers, which print values. Little of what is allocated
// is kept, so that to collect it often costs little.
func setup() {
	debug.SetGCPercent(90)
	log.SetOutput(io.Discard)
	slog.SetDefault(slog.New(slog.DiscardHandler))
}

// warm renders something small, for the first render compiles and parses what
// all share.
func warm() {
	c := &chart.Chart{
		Raw:       []*common.File{{Name: chartFile}},
		Metadata:  &chart.Metadata{APIVersion: "v2", Name: "warm", Version: "1.0.0"},
		Templates: []*common.File{{Name: "templates/a.yaml", Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name | quote }}}\ndata: {{ toYaml .Values | nindent 2 }}\n")}},
		Values:    map[string]any{"a": "b"},
	}
	r := &rendering{ctx: context.Background(), req: &sdk.RenderRequest{KubeVersion: "1.0.0", Host: sdk.NoHost{}}, options: &options{}}
	r.charts = newLoading(r)
	capabilities, err := r.capabilities()
	if err != nil {
		return // the first call's to report, as is any other failure here
	}
	_, _ = r.execute(c, func() (common.Values, error) {
		return commonutil.ToRenderValuesWithSchemaValidation(c, nil, common.ReleaseOptions{Name: "a"}, capabilities, true)
	})
}

package helm

import (
	"bytes"
	"fmt"
	"path"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// notesSuffix ends the names of templates that are for people.
const notesSuffix = "NOTES.txt"

// execute runs the templates, and a second time if they use what gives something
// else each time. Templates may change the values, so each run has its own.
func (r *rendering) execute(c *chart.Chart, values func() (common.Values, error)) ([]sdk.Document, error) {
	f := &functions{r: r, templates: r.charts.templates(c)}
	top, err := values()
	if err != nil {
		return nil, err
	}
	documents, err := r.once(c, top, f)
	if err != nil {
		return nil, err
	}
	if len(f.record.called) > 0 {
		if top, err = values(); err != nil {
			return nil, err
		}
		r.compare(c, top, f, documents)
	}
	f.warn()
	return documents, nil
}

// once runs the templates.
func (r *rendering) once(c *chart.Chart, top common.Values, f *functions) ([]sdk.Document, error) {
	e := engine.Engine{CustomTemplateFuncs: f.all()}
	files, err := e.RenderWithContext(r.ctx, c, top)
	if err != nil {
		return nil, f.templates.explain(err)
	}
	all := split(files)
	if err := f.templates.decode(all); err != nil {
		return nil, err
	}
	return append(r.definitions(c), f.templates.documents(r.arrange(all))...), nil
}

// definitions are the files of crds/, which are no templates.
func (r *rendering) definitions(c *chart.Chart) []sdk.Document {
	if r.options.SkipCrds {
		return nil
	}
	var documents []sdk.Document
	for _, crd := range c.CRDObjects() {
		if len(bytes.TrimSpace(crd.File.Data)) > 0 {
			documents = append(documents, sdk.Document{Data: crd.File.Data, File: r.charts.places[crd.File], Line: 1})
		}
	}
	return documents
}

// templates are those of a chart and its dependencies, by the names that helm
// gives them.
type templates map[string]template

type template struct {
	place string // in the tree
	text  string
}

func (l *loading) templates(c *chart.Chart) templates {
	all := templates{}
	l.addTemplates(all, c)
	return all
}

func (l *loading) addTemplates(all templates, c *chart.Chart) {
	for _, t := range c.Templates {
		all[path.Join(c.ChartFullPath(), t.Name)] = template{l.places[t], string(t.Data)}
	}
	for _, sub := range c.Dependencies() {
		l.addTemplates(all, sub)
	}
}

// place says where a template lies: FILE:LINE, or FILE without a line.
func (t templates) place(name string, line int) string {
	place := name
	if known, ok := t[name]; ok {
		place = known.place
	}
	if line > 0 {
		return fmt.Sprintf("%s:%d", place, line)
	}
	return place
}

package fleet

import (
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/window"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An agentProject is an AppProject as the agent reads it.
type agentProject struct {
	*api.AppProject
	object *manifest.Object // nil for the one that the agent makes
	of     *Member          // that states it, nil if nothing renders it
	label  string

	rules    *project.Rules // nil if it cannot be read
	schedule *window.Schedule
}

func isProject(o *manifest.Object) bool {
	return o.Key.Group == api.Group && o.Key.Kind == api.AppProjectKind
}

// place is where a project is stated.
func (p *agentProject) place() string { return p.of.at(p.object.Origin) }

// findProjects reads all AppProjects. What keeps the agent from reading one is told.
func (c *check) findProjects() map[string][]*agentProject {
	all := map[string][]*agentProject{}
	take := func(of *Member, label string, o *manifest.Object) {
		p := &agentProject{AppProject: &api.AppProject{}, object: o, of: of, label: label}
		if !isProject(o) || json.Unmarshal(o.JSON(), p.AppProject) != nil {
			return // told by its schema
		}
		c.compile(p)
		all[p.Name] = append(all[p.Name], p)
	}
	for _, o := range c.Loose {
		take(nil, labelOf(path.Dir(o.Origin.File), c.splits), o)
	}
	for _, m := range c.Members {
		for _, o := range m.Set {
			take(m, m.label, o)
		}
	}
	return all
}

// compile reads the lists and the windows of a project. What [api.ValidateProject] says
// is told where the object is looked at.
func (c *check) compile(p *agentProject) {
	var known []string
	for _, e := range api.ValidateProject(p.AppProject) {
		known = append(known, e.Field)
	}
	var err error
	if p.rules, err = project.New(p.AppProject, c.Known.scoped(p.Name)); err != nil {
		c.unreadable(p, err, &known)
	}
	if p.schedule, err = window.Compile(p.Spec.SyncWindows); err != nil {
		c.unreadable(p, err, &known)
	}
	for _, text := range slices.Concat(api.LintProject(p.AppProject), project.Lint(p.AppProject)) {
		at, message, ok := strings.Cut(text, ": ")
		if !ok {
			at, message = "", text
		}
		if !slices.Contains(known, at) {
			c.of(p.of, p.object, validate.RuleProjectLint, at, message, "")
		}
	}
}

// unreadable tells, field by field, why the agent refuses a project's Applications.
func (c *check) unreadable(p *agentProject, err error, known *[]string) {
	errs := []error{err}
	var several utilerrors.Aggregate
	if errors.As(err, &several) {
		errs = several.Errors()
	}
	for _, err := range errs {
		at, text := "", err.Error()
		var one *field.Error
		if errors.As(err, &one) {
			at, text = one.Field, one.Detail
		}
		if !slices.ContainsFunc(*known, func(path string) bool { return path == at }) {
			*known = append(*known, at)
			c.of(p.of, p.object, validate.RuleApplication, at, text, "until it can be read nothing of the project is synced")
		}
	}
}

// projectOf returns the project of an Application, nil if it is not here or if it cannot
// be told which it is. Missing says that no file has one of that name.
func (c *check) projectOf(m *Member) (p *agentProject, missing bool) {
	name := m.App.Spec.ProjectName()
	all := c.projects[name]
	found := labelled(all, m.label)
	if len(found) == 0 {
		found = labelled(all, "")
	}
	switch {
	case len(found) > 0 && !slices.ContainsFunc(found, func(p *agentProject) bool { return p.object.Hash() != found[0].object.Hash() }):
		return found[0], false
	case len(all) > 0:
		return nil, false
	case name == api.DefaultProject:
		return c.defaultProject(), false
	}
	return nil, true
}

func labelled(all []*agentProject, label string) []*agentProject {
	return slices.DeleteFunc(slices.Clone(all), func(p *agentProject) bool { return p.label != label })
}

// defaultProject is what the agent makes if there is none.
func (c *check) defaultProject() *agentProject {
	if c.ownDefault == nil {
		p := &agentProject{AppProject: project.Default()}
		p.rules, _ = project.New(p.AppProject, c.Known.scoped(p.Name)) // it permits everything
		p.schedule, _ = window.Compile(nil)
		c.ownDefault = p
	}
	return c.ownDefault
}

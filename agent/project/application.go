package project

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Application returns what the project does not permit of an Application: its namespace,
// every source of its spec and of its operation, and its destination, each with its
// field's path. None means that it may go on to its objects.
//
// The destination is judged as dest, resolved as for Destination. What is missing is
// left to [api.ValidateApplication].
func (r *Rules) Application(app *api.Application, dest api.Destination, agentNamespace string) field.ErrorList {
	var f findings
	spec := field.NewPath("spec")
	if name := app.Spec.ProjectName(); name != r.name {
		f.add(spec.Child("project"), r.refusef("not the project of this Application, which is %s", shown(name)))
	}
	f.add(field.NewPath("metadata", "namespace"), r.Namespace(app.Namespace, agentNamespace))
	f.specSources(r, &app.Spec, spec)
	if app.Operation != nil && app.Operation.Sync != nil {
		f.sources(r, app.Operation.Sync.Source, app.Operation.Sync.Sources, field.NewPath("operation", "sync"))
	}
	f.add(spec.Child("destination"), r.Destination(dest, app.Spec.Destination.Namespace))
	return f.errs
}

// findings collects refusals.
type findings struct{ errs field.ErrorList }

func (f *findings) add(p *field.Path, v Verdict) {
	if !v.Allowed {
		f.errs = append(f.errs, field.Forbidden(p, v.Reason))
	}
}

// specSources judges the sources that count, as [api.ApplicationSpec.AllSources] has
// them, and all that a hydrator reads and writes.
func (f *findings) specSources(r *Rules, spec *api.ApplicationSpec, p *field.Path) {
	switch h := spec.SourceHydrator; {
	case h == nil && len(spec.Sources) > 0:
		f.sources(r, nil, spec.Sources, p)
	case h == nil:
		f.sources(r, spec.Source, nil, p)
	default:
		p = p.Child("sourceHydrator")
		f.add(p.Child("drySource", "repoURL"), r.Source(h.DrySource.RepoURL))
		if h.SyncSource.RepoURL != "" && h.SyncSource.RepoURL != h.DrySource.RepoURL {
			f.add(p.Child("syncSource", "repoURL"), r.Source(h.SyncSource.RepoURL))
		}
	}
}

func (f *findings) sources(r *Rules, source *api.Source, sources []api.Source, p *field.Path) {
	if source != nil {
		f.add(p.Child("source", "repoURL"), r.Source(source.RepoURL))
	}
	for i := range sources {
		f.add(p.Child("sources").Index(i).Child("repoURL"), r.Source(sources[i].RepoURL))
	}
}

package validate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/shelf"
	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// A Checker looks at objects as a cluster of one version would. It is safe for
// concurrent use.
type Checker struct {
	version *openapi.Version
	custom  *Definitions
	cleared *shelf.Cleared // objects in which nothing is found; may be nil
}

// New returns a Checker for a minor version of Kubernetes ("1.37"). Custom may be
// nil; it is only read.
func New(kubernetes string, custom *Definitions) (*Checker, error) {
	version, err := openapi.Of(kubernetes)
	if err != nil {
		return nil, err
	}
	return For(version, custom), nil
}

// For returns a Checker for what a cluster serves. Custom may be nil; it is only read.
func For(version *openapi.Version, custom *Definitions) *Checker {
	if custom == nil {
		custom = &Definitions{}
	}
	return &Checker{version: version, custom: custom}
}

// Set looks at the objects of one Application, one by one and together.
func (c *Checker) Set(ctx context.Context, set manifest.Set) []Problem {
	var all []Problem
	for _, o := range set {
		all = append(all, c.Object(ctx, o)...)
	}
	return append(all, together(set)...)
}

// Sets is Set for several Applications, so many objects at once. Done is told of each.
func (c *Checker) Sets(ctx context.Context, sets []manifest.Set, parallel int, done func()) ([][]Problem, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	found := make([][][]Problem, len(sets)) // of each object
	for i, set := range sets {
		found[i] = make([][]Problem, len(set))
		for j, o := range set {
			g.Go(func() error {
				found[i][j] = c.Object(ctx, o)
				done()
				return ctx.Err()
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all := make([][]Problem, len(sets))
	for i, set := range sets {
		all[i] = append(slices.Concat(found[i]...), together(set)...)
	}
	return all, nil
}

// pluginFile is what Argo CD configures a plugin with: it is no object of a cluster.
var pluginFile = schema.GroupKind{Group: api.Group, Kind: "ConfigManagementPlugin"}

// Unknown returns the kinds of a set that nothing is known of: custom ones whose
// definitions are not there.
func (c *Checker) Unknown(set manifest.Set) []string {
	var kinds []string
	for _, o := range set {
		_, builtin := c.version.Kind(o.GVK())
		if o.Key.GroupKind() == pluginFile {
			continue
		}
		if !builtin && !c.custom.has(o.Key.GroupKind()) && !c.ours(o.Key.Group) && !c.isMisspelt(o) {
			kinds = append(kinds, o.Key.GroupKind().String())
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// ours says whether all kinds of a group are known: of Kubernetes' own groups, and, if a
// cluster was asked, of all but those whose objects never get there as they are.
func (c *Checker) ours(group string) bool {
	return c.version.Complete(group) && (!c.version.Served() || !resolved[group])
}

// resolved are groups of objects that the agent makes Secrets of where no controller
// does.
var resolved = map[string]bool{"bitnami.com": true, "external-secrets.io": true, "generators.external-secrets.io": true}

// Object looks at one object. A Secret that holds something is looked at every time:
// nothing is kept of it.
func (c *Checker) Object(ctx context.Context, o *manifest.Object) []Problem {
	if len(o.Data()) > 0 || c.cleared == nil {
		return c.look(ctx, o)
	}
	id := c.cleared.Digest(o.JSON())
	if c.cleared.Has(id) {
		return nil
	}
	problems := c.look(ctx, o)
	if len(problems) == 0 && ctx.Err() == nil {
		c.cleared.Add(id)
	}
	return problems
}

func (c *Checker) look(ctx context.Context, o *manifest.Object) []Problem {
	r := &report{object: o}
	kind, builtin := c.version.Kind(o.GVK())
	switch {
	case builtin:
		c.builtin(r, kind)
	case c.custom.has(o.Key.GroupKind()):
		c.objectMeta(r)
		metadata(r, isSubdomain)
		c.custom.check(ctx, r)
	default:
		c.unserved(r)
		c.meansAnother(r)
		metadata(r, isSubdomain)
	}
	application(r)
	secretMaker(r)
	deprecation(r, c.version.Name)
	return r.problems
}

// builtin looks at an object of one of Kubernetes' kinds: at its schema first, for
// what is of the wrong type cannot be looked at further.
func (c *Checker) builtin(r *report, kind openapi.Kind) {
	if kind.Definition == "" { // what it would have to be is not known
		c.objectMeta(r)
		metadata(r, nameRule(r.object.Key.GroupKind()))
		return
	}
	w := walker{version: c.version, report: r}
	w.value("", &openapi.Schema{Ref: kind.Definition}, r.object.Body())
	metadata(r, nameRule(r.object.Key.GroupKind()))
	if !r.has(RuleType) {
		semantics(r)
	}
}

// objectMeta looks at the fields of metadata, which all kinds have in common.
func (c *Checker) objectMeta(r *report) {
	meta, err := c.version.Named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
	if err == nil {
		(&walker{version: c.version, report: r}).value("metadata", meta, r.object.Body()["metadata"])
	}
}

// unserved tells of an object of a group of Kubernetes that is no kind of this
// version. What was removed is told by deprecation.
func (c *Checker) unserved(r *report) {
	gvk := r.object.GVK()
	if _, removed := removedBy(gvk, c.version.Name); removed || !c.ours(gvk.Group) {
		return
	}
	if versions := c.version.Versions(gvk.GroupKind()); len(versions) > 0 {
		r.add(RuleUnknownKind, "apiVersion", fmt.Sprintf("%s serves no %s in %s", c.version.Describe(), gvk.Kind, r.object.APIVersion()), "it serves it in "+strings.Join(inGroup(gvk.Group, versions), ", "))
		return
	}
	r.add(RuleUnknownKind, "kind", fmt.Sprintf("%s has no kind %s in %s", c.version.Describe(), gvk.Kind, r.object.APIVersion()), c.meant(gvk))
}

func inGroup(group string, versions []string) []string {
	slices.Sort(versions)
	if group == "" {
		return versions
	}
	for i := range versions {
		versions[i] = group + "/" + versions[i]
	}
	return versions
}

// meant finds the API version of a kind, or the kind that was most likely meant.
func (c *Checker) meant(of schema.GroupVersionKind) string {
	var names []string
	family := !c.version.Served() || !strings.Contains(of.Group, ".") || strings.HasSuffix(of.Group, ".k8s.io")
	for _, known := range c.version.Kinds() {
		if known.Kind == of.Kind && family {
			return "its apiVersion is " + known.GroupVersion().String()
		}
		if family || known.Group == of.Group {
			names = append(names, known.Kind)
		}
	}
	for _, known := range c.custom.Kinds() {
		if known.Group == of.Group {
			names = append(names, known.Kind)
		}
	}
	if near := api.Nearest(of.Kind, names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if c.version.Served() {
		return "install its CustomResourceDefinition, or add it to the repository"
	}
	return ""
}

// A report collects what is wrong with one object.
type report struct {
	object   *manifest.Object
	problems []Problem
}

// maxProblems bounds what is told of one object.
const maxProblems = 100

func (r *report) add(rule, path, message, hint string) {
	again := slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Rule == rule && p.Path == path })
	if len(r.problems) < maxProblems && !again {
		r.problems = append(r.problems, Problem{Rule: rule, Object: r.object, Path: path, Message: message, Hint: hint})
	}
}

// at is add with a path of the API machinery.
func (r *report) at(rule string, path *field.Path, format string, args ...any) {
	r.add(rule, path.String(), fmt.Sprintf(format, args...), "")
}

// take adds errors of the API machinery.
func (r *report) take(rule string, errs field.ErrorList) {
	for _, e := range errs {
		r.add(rule, e.Field, fmt.Sprintf("%.80q: %s", fmt.Sprint(e.BadValue), plainly(e.Detail)), "")
	}
}

func (r *report) has(rule string) bool {
	return slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Rule == rule })
}

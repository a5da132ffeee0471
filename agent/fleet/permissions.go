package fleet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// permissions asks each Application's project what it permits, as the agent does before
// each pass and before each object.
func (c *check) permissions() {
	c.impersonates = c.impersonating()
	for _, m := range c.apps {
		for _, text := range api.Unsupported(m.App) {
			at, message, _ := strings.Cut(text, ": ")
			c.own(m, validate.RuleUnsupported, at, message, "")
		}
		p, missing := c.projectOf(m)
		switch {
		case missing && len(c.projects) > 0:
			c.own(m, validate.RuleUnknownProject, "spec.project", fmt.Sprintf("there is no AppProject %s in the repository, which has others", m.App.Spec.ProjectName()), c.projectHint(m))
		case p != nil && p.rules != nil:
			c.ask(m, p)
		}
	}
}

// projectHint is the project that was most likely meant.
func (c *check) projectHint(m *Member) string {
	var names []string
	for name := range c.projects {
		names = append(names, name)
	}
	slices.Sort(names)
	if near := api.Nearest(m.App.Spec.ProjectName(), names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return ""
}

func (c *check) ask(m *Member, p *agentProject) {
	certain := c.certain(m, p)
	said := map[string]int{}
	for _, e := range p.rules.Application(m.App, m.dest, c.Namespace) {
		if e.Field != "spec.destination" || certain {
			c.refused(m, p, m.home(), m.Object, e.Field, e.Detail)
			said[e.Detail]++
		}
	}
	c.askSignatures(m, p)
	c.askAccount(m, p)
	if certain && m.Rendered {
		c.askObjects(m, p, said)
	}
}

// refused tells what a project does not permit, and where the project is.
func (c *check) refused(m *Member, p *agentProject, files *Member, o *manifest.Object, field, reason string) {
	hint := ""
	if p.object != nil {
		hint = "the project is at " + p.place()
	}
	c.add(files, o, validate.RuleNotPermitted, field, reason, hint, m)
}

// certain says that what the project answers on a destination is what it answers in the
// cluster: both names of the destination's cluster are known, or the project goes by the
// known one only.
func (c *check) certain(m *Member, p *agentProject) bool {
	switch {
	case m.dest.Server != "" && m.dest.Name != "":
		return true
	case p.Spec.PermitOnlyProjectScopedClusters:
		return !c.Known.Unread && len(c.Known.Clusters) > 0
	}
	return !slices.ContainsFunc(p.Spec.Destinations, func(d api.Destination) bool {
		own := d.Resolved().Server == api.InClusterServer
		return m.dest.Server == "" && d.Server != "" && !own || m.dest.Name == "" && d.Name != "" && d.Name != api.InClusterName
	})
}

// askObjects judges all that a sync applies. What is refused for one reason is told
// once, and not if it was told of the Application itself.
func (c *check) askObjects(m *Member, p *agentProject, told map[string]int) {
	first := map[string]*manifest.Object{}
	var reasons []string
	for _, o := range applied(m.Set) {
		reason := c.verdict(o, m, p)
		if reason == "" {
			continue
		}
		if told[reason]++; told[reason] == 1 {
			first[reason] = o
			reasons = append(reasons, reason)
		}
	}
	for _, reason := range reasons {
		text := reason
		if n := told[reason] - 1; n > 0 {
			text += fmt.Sprintf("; so it is with %d more", n)
		}
		c.refused(m, p, m, first[reason], "", text)
	}
	c.askNamespace(m, p)
}

// verdict is why the project refuses an object, "" if it does not, or if it cannot be
// told whether the kind has namespaces.
func (c *check) verdict(o *manifest.Object, m *Member, p *agentProject) string {
	namespaced, known := c.scope(o)
	v := p.rules.Object(o.Key, namespaced, m.dest)
	if v.Allowed || namespaced && o.Key.Namespace == "" {
		return ""
	}
	if !known && p.rules.Object(o.Key, !namespaced, m.dest).Allowed {
		return ""
	}
	return v.Reason
}

// scope says whether a kind has namespaces, and whether that is known.
func (c *check) scope(o *manifest.Object) (namespaced, known bool) {
	gk := o.Key.GroupKind()
	if namespaced, ok := c.defined[gk]; ok {
		return namespaced, true
	}
	builtin := !strings.Contains(gk.Group, ".") || strings.HasSuffix(gk.Group, ".k8s.io") || gk.Group == api.Group
	return o.Key.Namespace != "", builtin
}

// askNamespace judges the Namespace that the sync makes.
func (c *check) askNamespace(m *Member, p *agentProject) {
	key := manifest.Key{Kind: "Namespace", Name: m.App.Spec.Destination.Namespace}
	i := slices.Index(m.App.Spec.SyncPolicy.Options(), api.SyncOptionCreateNamespace)
	if i < 0 || key.Name == "" || m.Set.Find(key) != nil {
		return
	}
	if v := p.rules.Object(key, false, m.dest); !v.Allowed {
		c.refused(m, p, m.home(), m.Object, field.NewPath("spec", "syncPolicy", "syncOptions").Index(i).String(), v.Reason)
	}
}

// askSignatures asks whether the sources can be what the project demands of commits.
func (c *check) askSignatures(m *Member, p *agentProject) {
	for i, s := range m.App.Spec.AllSources() {
		demands, v := p.rules.Integrity(s.RepoURL)
		at := sourcePath(&m.App.Spec, i)
		switch {
		case !v.Allowed:
			c.refused(m, p, m.home(), m.Object, at, v.Reason)
		case demands.Mode != api.GPGModeNone && !demands.GitOnly && (s.IsChart() || s.IsOCI()):
			c.refused(m, p, m.home(), m.Object, at, demands.By+" demands signed commits, and this is in no Git repository: demand them in spec.sourceIntegrity.git, or use a Git repository")
		}
	}
}

func sourcePath(spec *api.ApplicationSpec, i int) string {
	p := field.NewPath("spec")
	switch {
	case spec.SourceHydrator != nil:
		return p.Child("sourceHydrator", "drySource", "repoURL").String()
	case spec.HasMultipleSources():
		return p.Child("sources").Index(i).Child("repoURL").String()
	}
	return p.Child("source", "repoURL").String()
}

// askAccount asks in whose name objects are written. It is asked where the project lists
// accounts, or the repository turns impersonation on, without which the list has no
// effect.
func (c *check) askAccount(m *Member, p *agentProject) {
	if m.dest.Server == "" || !c.impersonates && len(p.Spec.DestinationServiceAccounts) == 0 {
		return
	}
	_, v := p.rules.User(m.App, m.dest)
	switch {
	case v.Allowed:
	case c.impersonates:
		c.refused(m, p, m.home(), m.Object, "spec.destination", v.Reason)
	default:
		hint := ""
		if p.object != nil {
			hint = "the project is at " + p.place()
		}
		c.own(m, validate.RuleImpersonation, "spec.destination", v.Reason, hint)
	}
}

// impersonating says that a file turns impersonation on for the agent.
func (c *check) impersonating() bool {
	on := func(o *manifest.Object) bool {
		if o.Key.Group != "" || o.Key.Kind != "ConfigMap" || o.Key.Name != "argocd-cm" {
			return false
		}
		data, _ := o.Body()["data"].(map[string]any)
		return data["application.sync.impersonation.enabled"] == "true"
	}
	return slices.ContainsFunc(c.Loose, on) ||
		slices.ContainsFunc(c.Members, func(m *Member) bool { return slices.ContainsFunc(m.Set, on) })
}

package project

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Lint returns where a project's lists permit more, or less, than they seem to: one
// sentence each, beginning with the field's path. The lists work as Argo CD's do.
func Lint(p *api.AppProject) []string {
	var w warnings
	spec := field.NewPath("spec")
	w.sources(p.Spec.SourceRepos, spec.Child("sourceRepos"))
	w.destinations(p.Spec.Destinations, spec.Child("destinations"))
	w.kinds(&p.Spec, spec)
	w.namespaces(p.Spec.SourceNamespaces, spec.Child("sourceNamespaces"))
	w.orphans(p.Spec.OrphanedResources, spec.Child("orphanedResources", "ignore"))
	_, mistakes := newValuesFrom(p.Annotations)
	return append(w, mistakes...)
}

type warnings []string

func (w *warnings) addf(p *field.Path, format string, args ...any) {
	*w = append(*w, p.String()+": "+fmt.Sprintf(format, args...))
}

func isDenial(pattern string) bool { return strings.HasPrefix(pattern, "!") }

// sources warns of denials, each of which permits all the rest, unless * says so too.
func (w *warnings) sources(repos []string, p *field.Path) {
	everything := slices.Contains(repos, "*")
	for i, repo := range repos {
		if isDenial(repo) && !everything {
			w.addf(p.Index(i), "a denial permits every repository that it does not deny; add * if that is meant, else list what is permitted instead")
		}
		if strings.ContainsAny(repo, "{}") {
			w.addf(p.Index(i), "braces are no alternatives here, but characters of the URL; write one entry for each")
		}
	}
}

// destinations warns of denials, as sources does, and of those that deny nothing.
func (w *warnings) destinations(entries []api.Destination, p *field.Path) {
	for i, d := range entries {
		p := p.Index(i)
		if (isDenial(d.Server) || isDenial(d.Name)) && !slices.ContainsFunc(entries, permitsClusters(d.Namespace)) {
			w.addf(p, "a denied cluster permits every other cluster; add {server: \"*\", namespace: %q} if that is meant, else list what is permitted instead", d.Namespace)
		}
		if isDenial(d.Namespace) && !slices.ContainsFunc(entries, permitsNamespaces(d)) {
			w.addf(p.Child("namespace"), "a denial permits every namespace that it does not deny; add an entry for namespace * if that is meant, else list what is permitted instead")
		}
		if isDenial(d.Namespace) && (d.Server == "" || isDenial(d.Server)) {
			w.addf(p.Child("namespace"), "a namespace is denied on the entry's server only, and it names none; other entries may permit it")
		}
		if isDenial(d.Name) && d.Namespace != "*" {
			w.addf(p.Child("name"), "a cluster denied by its name is denied in all namespaces, whatever the entry's namespace")
		}
	}
}

// permitsClusters matches entries that permit a namespace, or all, on every cluster.
func permitsClusters(namespace string) func(api.Destination) bool {
	return func(d api.Destination) bool {
		return (d.Server == "*" || d.Name == "*") && (d.Namespace == "*" || d.Namespace == namespace)
	}
}

// permitsNamespaces matches entries that permit all namespaces of another entry's cluster.
func permitsNamespaces(of api.Destination) func(api.Destination) bool {
	return func(d api.Destination) bool {
		return d.Namespace == "*" && (d.Server == "*" || d.Name == "*" ||
			d.Server != "" && d.Server == of.Server || d.Name != "" && d.Name == of.Name)
	}
}

// kinds warns of whitelists that permit nothing: the two scopes differ in what none means.
func (w *warnings) kinds(spec *api.AppProjectSpec, p *field.Path) {
	if list := spec.NamespaceResourceWhitelist; list != nil && len(list) == 0 {
		w.addf(p.Child("namespaceResourceWhitelist"), "an empty list permits no namespaced kind; leave the field out to permit all")
	}
	if len(spec.ClusterResourceWhitelist) == 0 && len(spec.ClusterResourceBlacklist) > 0 {
		w.addf(p.Child("clusterResourceBlacklist"), "has no effect: without clusterResourceWhitelist no cluster-scoped kind is permitted anyway")
	}
}

// namespaces warns of regular expressions that match within a name.
func (w *warnings) namespaces(entries []string, p *field.Path) {
	for i, entry := range entries {
		if expression, ok := betweenSlashes(entry); ok && !anchored(expression) {
			w.addf(p.Index(i), "matches any name that contains a match; begin with ^ and end with $ to match whole names")
		}
		if isDenial(entry) {
			w.addf(p.Index(i), "there are no denials here, and no namespace begins with !; use /^(?!name$).*$/ to exclude one")
		}
	}
}

// orphans warns of entries that cannot be read.
func (w *warnings) orphans(written *api.OrphanedResources, p *field.Path) {
	if written == nil {
		return
	}
	for i, e := range written.Ignore {
		if _, err := newOrphan(e); err != nil {
			w.addf(p.Index(i), "cannot be read, and ignores nothing: %v", err)
		}
	}
}

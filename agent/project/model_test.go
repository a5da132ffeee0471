package project

import (
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// cell is one question to a project: may this object, of this source, go there?
type cell struct {
	source     string
	dest       api.Destination
	key        manifest.Key
	namespaced bool
}

// model answers as the tables of the semantics say it, in the plainest way: it shares no
// code with Rules, knows of wildcards only *, and works on addresses that are normal.
func model(p *api.AppProject, own []string, c cell) bool {
	return modelSource(p.Spec.SourceRepos, c.source) && modelKind(&p.Spec, c) &&
		(!c.namespaced || modelPlace(&p.Spec, own, c.dest, c.key.Namespace))
}

// star matches * by trying every length; it never takes a character of not, but ** does.
func star(pattern, text, not string) bool {
	switch {
	case pattern == "":
		return text == ""
	case strings.HasPrefix(pattern, "**"):
		return star(pattern[2:], text, not) || text != "" && star(pattern, text[1:], not)
	case pattern[0] != '*':
		return text != "" && pattern[0] == text[0] && star(pattern[1:], text[1:], not)
	case star(pattern[1:], text, not):
		return true
	}
	return text != "" && !strings.Contains(not, text[:1]) && star(pattern, text[1:], not)
}

// says reads one pattern: a denial says yes to all that it does not name.
func says(pattern, text, not string) bool {
	if pattern != "" && pattern[0] == '!' {
		return !star(pattern[1:], text, not)
	}
	return pattern == "*" || star(pattern, text, not)
}

func modelSource(repos []string, source string) bool {
	yes := 0
	for _, repo := range repos {
		if says(repo, source, "/") {
			yes++
		} else if strings.HasPrefix(repo, "!") {
			return false
		}
	}
	return yes > 0
}

func modelPlace(spec *api.AppProjectSpec, own []string, dest api.Destination, namespace string) bool {
	yes := 0
	for _, d := range spec.Destinations {
		server, name, space := says(d.Server, dest.Server, ""), says(d.Name, dest.Name, ""), says(d.Namespace, namespace, "")
		if (server || name) && space {
			yes++
			continue
		}
		deniedName := strings.HasPrefix(d.Name, "!") && !name
		deniedServer := strings.HasPrefix(d.Server, "!") && !server && space
		deniedSpace := strings.HasPrefix(d.Namespace, "!") && !space && server
		if deniedName || deniedServer || deniedSpace {
			return false
		}
	}
	isOwn := !spec.PermitOnlyProjectScopedClusters
	for _, server := range own {
		isOwn = isOwn || server == dest.Server
	}
	return yes > 0 && isOwn
}

func modelKind(spec *api.AppProjectSpec, c cell) bool {
	white, black := false, false
	if c.namespaced {
		white = spec.NamespaceResourceWhitelist == nil
		for _, e := range spec.NamespaceResourceWhitelist {
			white = white || star(e.Group, c.key.Group, "") && star(e.Kind, c.key.Kind, "")
		}
		for _, e := range spec.NamespaceResourceBlacklist {
			black = black || star(e.Group, c.key.Group, "") && star(e.Kind, c.key.Kind, "")
		}
		return white && !black
	}
	named := func(e api.ClusterResource) bool {
		return star(e.Group, c.key.Group, "") && star(e.Kind, c.key.Kind, "") && (e.Name == "" || star(e.Name, c.key.Name, ""))
	}
	for _, e := range spec.ClusterResourceWhitelist {
		white = white || named(e)
	}
	for _, e := range spec.ClusterResourceBlacklist {
		black = black || named(e)
	}
	return white && !black
}

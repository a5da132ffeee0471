package project

import (
	"errors"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A source is one entry of spec.sourceRepos.
type source struct {
	pattern pattern
	path    string
}

// errAddress is of an entry that Argo CD would compare with no address.
var errAddress = errors.New("not a URL with wildcards (braces, and brackets in the host, are none)")

func (c *compiler) sources(repos []string, p *field.Path) []source {
	list := make([]source, len(repos))
	for i, repo := range repos {
		list[i] = source{pattern: c.source(repo, p.Index(i)), path: p.Index(i).String()}
	}
	return list
}

func (c *compiler) source(repo string, p *field.Path) pattern {
	repo, deny := strings.CutPrefix(repo, "!")
	a := normalize(repo)
	if a.text == "" && repo != "" {
		c.check(errAddress, p)
	}
	if deny {
		a.text = "!" + a.text
	}
	return c.pattern(a.text, p, '/')
}

// Source judges the URL of a repository, of any kind, against spec.sourceRepos: any entry
// permits, any denial refuses, wherever it stands. A * matches within one segment of the
// path, but alone it matches everything.
func (r *Rules) Source(repoURL string) Verdict {
	a, permitted := normalize(repoURL), false
	for _, s := range r.sources {
		switch {
		case s.pattern.deny && !a.plain:
			return r.refuseSource(a)
		case s.pattern.denies(a.text):
			return r.refusef("%s denies %s: narrow the denial, or use another repository", s.path, a.shown)
		}
		permitted = permitted || s.pattern.any || a.plain && s.pattern.matches(a.text)
	}
	if !permitted {
		return r.refuseSource(a)
	}
	return allowed
}

func (r *Rules) refuseSource(a address) Verdict {
	if !a.plain {
		return r.refusef("spec.sourceRepos permits no %s: write the address as a plain URL, without . and .. segments", a.shown)
	}
	return r.refusef("spec.sourceRepos permits no %s: add it, or a pattern that covers it", a.shown)
}

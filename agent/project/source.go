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
	a := normalize(repoURL)
	permitted, denied := r.judge(a)
	switch {
	case !denied.Allowed:
		return denied
	case !permitted:
		return r.refuseSource(a)
	}
	return allowed
}

// Reference judges an address that files refer to, as Source does. That of a registry is
// written with oci:// there and mostly without in Applications and projects: an entry for
// either form counts.
func (r *Rules) Reference(address string) Verdict {
	bare, ok := strings.CutPrefix(address, "oci://")
	if !ok {
		return r.Source(address)
	}
	full, short := normalize(address), normalize(bare)
	permitted, denied := r.judge(full)
	also, deniedToo := r.judge(short)
	switch {
	case !denied.Allowed:
		return denied
	case !deniedToo.Allowed:
		return deniedToo
	case !permitted && !also:
		return r.refuseSource(full)
	}
	return allowed
}

// judge says whether an entry permits an address, and whether one denies it.
func (r *Rules) judge(a address) (permitted bool, denied Verdict) {
	for _, s := range r.sources {
		switch {
		case s.pattern.deny && !a.plain:
			return false, r.refuseSource(a)
		case s.pattern.denies(a.text):
			return false, r.refusef("%s denies %s: narrow the denial, or use another repository", s.path, a.shown)
		}
		permitted = permitted || s.pattern.any || a.plain && s.pattern.matches(a.text)
	}
	return permitted, allowed
}

func (r *Rules) refuseSource(a address) Verdict {
	if !a.plain {
		return r.refusef("spec.sourceRepos permits no %s: write the address as a plain URL, without . and .. segments", a.shown)
	}
	return r.refusef("spec.sourceRepos permits no %s: add it, or a pattern that covers it", a.shown)
}

package project

import (
	"fmt"
	"slices"

	"github.com/gobwas/glob"
	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// An Integrity is what a project demands of the commits of one repository.
type Integrity struct {
	Mode api.GPGMode
	Keys []string // that may sign
	By   string   // the field that says so
	// GitOnly says that the demand is one of Git repositories; else what is in no
	// Git repository cannot meet it.
	GitOnly bool
}

// An integrityPolicy is one entry of spec.sourceIntegrity.git.policies.
type integrityPolicy struct {
	repos   []integrityRepo
	demands Integrity
}

// An integrityRepo is a pattern over addresses, in which * matches slashes, too.
type integrityRepo struct {
	pattern *glob.Pattern
	any     bool
	not     bool
}

// allRepositories is the pattern of all repositories.
var allRepositories = []integrityRepo{{any: true}}

// integrity compiles the policies, and the old spec.signatureKeys, which holds
// where no policy does.
func (c *compiler) integrity(spec *api.AppProjectSpec, p *field.Path) (policies []integrityPolicy, fallback *integrityPolicy) {
	if len(spec.SignatureKeys) > 0 {
		fallback = &integrityPolicy{allRepositories, Integrity{Mode: api.GPGModeHead, By: "spec.signatureKeys"}}
		for _, key := range spec.SignatureKeys {
			fallback.demands.Keys = append(fallback.demands.Keys, key.KeyID)
		}
	}
	if spec.SourceIntegrity == nil || spec.SourceIntegrity.Git == nil {
		return nil, fallback
	}
	p = p.Child("sourceIntegrity", "git", "policies")
	for i, policy := range spec.SourceIntegrity.Git.Policies {
		policies = append(policies, c.integrityPolicy(policy, p.Index(i)))
	}
	return policies, fallback
}

// integrityPolicy fails closed: a policy that does not say what it demands
// demands the signature of a key that nobody has.
func (c *compiler) integrityPolicy(policy api.GitIntegrityPolicy, p *field.Path) integrityPolicy {
	compiled := integrityPolicy{demands: Integrity{Mode: api.GPGModeStrict, By: p.String(), GitOnly: true}}
	if policy.GPG != nil {
		compiled.demands.Mode, compiled.demands.Keys = policy.GPG.Mode, slices.Clone(policy.GPG.Keys)
	}
	switch compiled.demands.Mode {
	case api.GPGModeNone, api.GPGModeHead, api.GPGModeStrict:
	default:
		c.errs = append(c.errs, field.NotSupported(p.Child("gpg", "mode"), compiled.demands.Mode,
			[]api.GPGMode{api.GPGModeNone, api.GPGModeHead, api.GPGModeStrict}))
	}
	for i, repo := range policy.Repos {
		compiled.repos = append(compiled.repos, c.integrityRepo(repo.URL, p.Child("repos").Index(i).Child("url")))
	}
	return compiled
}

func (c *compiler) integrityRepo(url string, p *field.Path) integrityRepo {
	not := len(url) > 0 && url[0] == '!'
	if not {
		url = url[1:]
	}
	if url == "*" {
		return integrityRepo{any: true, not: not}
	}
	a := normalize(url)
	if a.text == "" {
		c.check(errAddress, p)
	}
	pattern, err := newGlob(a.text)
	c.check(err, p)
	return integrityRepo{pattern: pattern, not: not}
}

// Integrity says what commits of a repository have to prove. As in Argo CD, a
// repository that no policy covers has nothing to prove, and one that two cover
// is refused. Addresses are compared as those of sourceRepos are, so that
// another spelling of one is no way around.
func (r *Rules) Integrity(repoURL string) (Integrity, Verdict) {
	a := normalize(repoURL)
	if len(r.integrity) > 0 && !a.plain {
		return Integrity{}, r.refusef("spec.sourceIntegrity: none can tell whether it covers %s: write the address as a plain URL, without . and .. segments", a.shown)
	}
	var found *integrityPolicy
	for i := range r.integrity {
		switch p := &r.integrity[i]; {
		case !p.covers(a.text):
		case found != nil:
			return Integrity{}, r.refusef("%s and %s both cover %s: exclude it from one of them by an entry that begins with !", found.demands.By, p.demands.By, a.shown)
		default:
			found = p
		}
	}
	if found == nil {
		found = r.signatures
	}
	if found == nil {
		return Integrity{Mode: api.GPGModeNone}, allowed
	}
	demands := found.demands
	demands.By = fmt.Sprintf("project %s, %s,", shown(r.name), demands.By)
	return demands, allowed
}

// covers says that an address matches an entry and none that begins with !.
func (p *integrityPolicy) covers(address string) bool {
	in := false
	for _, repo := range p.repos {
		if !repo.any && !repo.pattern.Match(address) {
			continue
		}
		if repo.not {
			return false
		}
		in = true
	}
	return in
}

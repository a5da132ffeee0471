package project

import (
	"strings"

	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
)

// An account is one entry of spec.destinationServiceAccounts. Its globs deny nothing.
type account struct {
	server, namespace *glob.Pattern
	name              string
	path              string
}

func (c *compiler) accounts(entries []api.DestinationServiceAccount, p *field.Path) []account {
	list := make([]account, len(entries))
	for i, a := range entries {
		p := p.Index(i)
		list[i] = account{
			server:    c.glob(a.Server, p.Child("server")),
			namespace: c.glob(a.Namespace, p.Child("namespace")),
			name:      a.DefaultServiceAccount,
			path:      p.String(),
		}
	}
	return list
}

func (c *compiler) glob(text string, p *field.Path) *glob.Pattern {
	compiled, err := newGlob(text)
	c.check(err, p)
	return compiled
}

// User returns whom to impersonate for an Application whose destination is resolved to
// dest: the account of the first entry that matches the server and the Application's
// destination namespace, as "system:serviceaccount:NAMESPACE:NAME". An account without a
// namespace is of the destination's, or else of the Application's.
//
// No entry, or one that names no account, is a refusal: to fall back on the agent's own
// rights is never right where impersonation is on.
func (r *Rules) User(app *api.Application, dest api.Destination) (string, Verdict) {
	namespace := app.Spec.Destination.Namespace
	for _, a := range r.accounts {
		if a.server.Match(dest.Server) && a.namespace.Match(namespace) {
			if namespace == "" {
				namespace = app.Namespace
			}
			return r.user(a, namespace)
		}
	}
	return "", r.refusef("spec.destinationServiceAccounts names no account for namespace %s on cluster %s: add {server: %s, namespace: %s, defaultServiceAccount: …}",
		shown(namespace), shownCluster(dest), shown(dest.Server), shown(namespace))
}

func (r *Rules) user(a account, namespace string) (string, Verdict) {
	name := a.name
	if before, after, ok := strings.Cut(name, ":"); ok {
		namespace, name = before, after
	}
	if !isAccountPart(namespace) || !isAccountPart(name) {
		return "", r.refusef("%s.defaultServiceAccount is neither name nor namespace:name: correct it", a.path)
	}
	return "system:serviceaccount:" + namespace + ":" + name, allowed
}

// isAccountPart refuses what Argo CD refuses in an account, and a second colon, which
// would make it another user.
func isAccountPart(text string) bool {
	return text != "" && !strings.ContainsAny(text, " \t\r\n:!*[]{}\\/")
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/agent/sets"
	"github.com/tidelock-io/tidelock/secrets"
)

// answers are those of servers for one set. Tokens are in its own namespace; plugins are
// the agent's. A set of another namespace could otherwise have the token of anybody sent
// to anywhere.
func (o *agentOptions) answers(servers *forge.Forge, core corev1client.CoreV1Interface, set *api.ApplicationSet) sets.Services {
	foreign := set.Namespace != o.namespace
	own := tokenReader{client: core, namespace: set.Namespace, strict: foreign || o.strictTokens}
	agents := tokenReader{client: core, namespace: o.namespace}
	a := servers.For(set.Name, own, agents)
	a.Permit = func(address *url.URL, named bool) error {
		return permittedServer(o.scmProviders, address, named, foreign)
	}
	if foreign {
		a.Apps = noApps{}
	}
	if !o.scmEnabled {
		return noProviders{a}
	}
	return a
}

// noProviders ask plugins, and nobody else.
type noProviders struct{ *forge.Answers }

var errNoProviders = errors.New("the administrator lets no server be asked for pull requests and repositories (--scm-providers=false)")

// PullRequests and Repositories refuse.
func (noProviders) PullRequests(context.Context, *api.PullRequestGenerator) ([]appset.PullRequest, error) {
	return nil, errNoProviders
}

func (noProviders) Repositories(context.Context, *api.SCMProviderGenerator) ([]appset.Repository, error) {
	return nil, errNoProviders
}

// permittedServer refuses servers that a generator names and the administrator does not.
// A product's own, such as api.github.com, may always be asked (SEMANTICS.md 1.9).
func permittedServer(permitted []string, address *url.URL, named, foreign bool) error {
	if !named || len(permitted) == 0 && !foreign {
		return nil
	}
	for _, text := range permitted {
		u, err := url.Parse(text)
		if err == nil && strings.EqualFold(u.Host, address.Host) && u.Scheme == address.Scheme && below(u.Path, address.Path) {
			return nil
		}
	}
	if len(permitted) == 0 {
		return fmt.Errorf("%s is asked for no ApplicationSet of another namespace than the agent's, unless the administrator names it in --allowed-scm-providers", address.Host)
	}
	return fmt.Errorf("%s is not among the servers of --allowed-scm-providers: %s", address.Host, strings.Join(permitted, ", "))
}

// below says that a path is another one, or leads on from it.
func below(base, path string) bool {
	base = strings.TrimRight(base, "/")
	return path == base || strings.HasPrefix(path, base+"/")
}

// checkProviders wants addresses of servers.
func checkProviders(all []string) error {
	for _, text := range all {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
			return fmt.Errorf("%.80q is no address such as https://git.example.com", text)
		}
	}
	return nil
}

// noApps are the GitHub Apps of sets of other namespaces.
type noApps struct{}

var errNoApps = errors.New("the GitHub Apps of the agent's namespace are not for ApplicationSets of others: give a tokenRef")

// Secret and ConfigMap make it a forge.Reader.
func (noApps) Secret(context.Context, string) (map[string]secrets.Value, error) {
	return nil, errNoApps
}

func (noApps) ConfigMap(context.Context, string) (map[string]string, error) { return nil, errNoApps }

// untold says that a Secret is not marked as one that servers may be shown, where that is
// demanded.
func untold(s *corev1.Secret) string {
	if s.Labels[api.LabelSecretType] != api.SecretTypeSCMCreds {
		return fmt.Sprintf("not labelled %s: %s", api.LabelSecretType, api.SecretTypeSCMCreds)
	}
	return ""
}

// permitSet asks a project about the sets of another namespace, and about a repository
// that one of them reads, if it is named.
func permitSet(projects reconcile.Store, home, name, namespace, repoURL string) error {
	rules, err := projects.Rules(name)
	if err != nil {
		return err
	}
	if v := rules.Namespace(namespace, home); !v.Allowed {
		return errors.New(v.Reason)
	}
	if repoURL == "" {
		return nil
	}
	if v := rules.Reference(repoURL); !v.Allowed {
		return errors.New(v.Reason)
	}
	return nil
}

// setsElsewhere are the namespaces with ApplicationSets beside the agent's own.
func (o *agentOptions) setsElsewhere() project.Namespaces {
	namespaces, _ := project.NewNamespaces(o.setNamespaces) // it was checked
	return namespaces
}

package keyring

import (
	"maps"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/project"
	corev1 "k8s.io/api/core/v1"
)

// Repo returns a repository with the credentials that an Application of project
// may use: those of its own repository Secret, else of the repo-creds Secret
// whose URL is the longest prefix (SEMANTICS.md 2.8). What else its own Secret
// says, such as a proxy, holds in either case.
func (k *Keyring) Repo(url, project string) git.Repo {
	repo := k.login(url, project)
	repo.Credentials.KnownHosts = k.knownHosts()
	repo.Credentials.CA = k.authorities(url)
	return repo
}

func (k *Keyring) login(url, project string) git.Repo {
	list := sorted(k.repositories.list())
	own, template := ownSecret(list, url, project), templateFor(list, url, project)
	switch {
	case own == nil && template == nil:
		return git.Repo{URL: url}
	case own == nil:
		return k.read(url, template)
	case template == nil || hasCredentials(own):
		return k.read(url, own)
	}
	both := own.DeepCopy()
	both.Data = maps.Clone(template.Data)
	maps.Copy(both.Data, own.Data)
	return k.read(url, both)
}

// Scoped returns what the Secrets of repositories and clusters bind to a project.
func (k *Keyring) Scoped(name string) project.Scoped {
	var scoped project.Scoped
	for _, s := range sorted(k.repositories.list()) {
		if string(s.Data["project"]) == name && s.Labels[api.LabelSecretType] == api.SecretTypeRepository {
			scoped.Repositories = append(scoped.Repositories, string(s.Data["url"]))
		}
	}
	for _, c := range k.ClusterSecrets() {
		if c.Project == name && name != "" {
			scoped.Clusters = append(scoped.Clusters, project.Cluster{Server: c.Server, Name: c.Name, Namespaces: c.OnlyNamespaces()})
		}
	}
	return scoped
}

// ownSecret prefers a Secret of the project to one of all projects.
func ownSecret(list []*corev1.Secret, url, project string) *corev1.Secret {
	var found *corev1.Secret
	for _, s := range list {
		bound := string(s.Data["project"])
		if s.Labels[api.LabelSecretType] != api.SecretTypeRepository || !sameAddress(string(s.Data["url"]), url) {
			continue
		}
		if bound == project && bound != "" {
			return s
		}
		if bound == "" && found == nil {
			found = s
		}
	}
	return found
}

// templateFor returns the repo-creds Secret with the longest prefix of url that
// is not bound to another project.
func templateFor(list []*corev1.Secret, url, project string) *corev1.Secret {
	var best *corev1.Secret
	for _, s := range list {
		prefix, bound := string(s.Data["url"]), string(s.Data["project"])
		if s.Labels[api.LabelSecretType] != api.SecretTypeRepoCreds || prefix == "" || !below(url, prefix) || bound != "" && bound != project {
			continue
		}
		if best == nil || depth(prefix) > depth(string(best.Data["url"])) {
			best = s
		}
	}
	return best
}

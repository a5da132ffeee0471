package keyring

import (
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/registry"
	corev1 "k8s.io/api/core/v1"
)

// Registry is Repo for a repository of charts or artifacts, or a single file. Its
// address may lack a scheme, as those of charts in registries do.
func (k *Keyring) Registry(url, project string) registry.Repo {
	at := onTheWeb(url)
	repo := registry.Repo{Repo: k.Repo(at, project)}
	repo.URL = url
	list := sorted(k.repositories.list())
	for _, s := range []*corev1.Secret{templateFor(list, at, project), ownSecret(list, at, project)} {
		if s == nil {
			continue
		}
		e := &entries{secret: s, known: map[string]bool{}}
		repo.OCI = e.flag("enableOCI") || e.text("type") == "oci" || repo.OCI
		repo.PlainHTTP = e.flag("insecureOCIForceHttp") || repo.PlainHTTP
		if e.fault != "" {
			repo.Fault = e.fault
		}
	}
	return repo
}

// onTheWeb gives the address of a registry the scheme that it is spoken to by.
func onTheWeb(url string) string {
	rest, ok := strings.CutPrefix(url, "oci://")
	if ok || !strings.Contains(url, "://") {
		return "https://" + rest
	}
	return url
}

// Named returns the address of the repository that a Secret gives a name, which
// charts write as "@name" where they depend on others. A Secret of the project
// comes before one of all projects.
func (k *Keyring) Named(name, project string) (url string, ok bool) {
	for _, s := range sorted(k.repositories.list()) {
		bound := string(s.Data["project"])
		if s.Labels[api.LabelSecretType] != api.SecretTypeRepository || name == "" || strings.TrimSpace(string(s.Data["name"])) != name {
			continue
		}
		if bound == project && bound != "" {
			return strings.TrimSpace(string(s.Data["url"])), true
		}
		if bound == "" && !ok {
			url, ok = strings.TrimSpace(string(s.Data["url"])), true
		}
	}
	return url, ok
}

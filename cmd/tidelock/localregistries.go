package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/registry"
	"github.com/tidelock-io/tidelock/secrets"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"sigs.k8s.io/yaml"
)

// localRegistries are the logins that helm and docker keep on this machine.
type localRegistries struct {
	repositories []helmRepository
	logins       credentials.Store

	mu    sync.Mutex
	hosts map[string]auth.Credential // that were asked for; guarded by mu
}

// A helmRepository is one of helm's repositories.yaml.
type helmRepository struct {
	Name               string `json:"name"`
	URL                string `json:"url"`
	Username           string `json:"username"`
	Password           string `json:"password"`
	CAFile             string `json:"caFile"`
	CertFile           string `json:"certFile"`
	KeyFile            string `json:"keyFile"`
	Insecure           bool   `json:"insecure_skip_tls_verify"`
	PassCredentialsAll bool   `json:"pass_credentials_all"`
}

// newLocalRegistries reads what helm has, and notes where helm's and docker's
// logins are.
func newLocalRegistries() (*localRegistries, error) {
	l := &localRegistries{hosts: map[string]auth.Credential{}}
	config, _ := os.UserConfigDir() // without one there is nothing
	config = cmp.Or(os.Getenv("HELM_CONFIG_HOME"), filepath.Join(config, "helm"))
	if err := l.readHelm(cmp.Or(os.Getenv("HELM_REPOSITORY_CONFIG"), filepath.Join(config, "repositories.yaml"))); err != nil {
		return nil, err
	}
	docker, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("read docker's logins: %w", err)
	}
	helm, err := credentials.NewStore(cmp.Or(os.Getenv("HELM_REGISTRY_CONFIG"), filepath.Join(config, "registry", "config.json")), credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("read helm's logins: %w", err)
	}
	l.logins = credentials.NewStoreWithFallbacks(helm, docker)
	return l, nil
}

// readHelm reads repositories.yaml. Its errors quote nothing of it.
func (l *localRegistries) readHelm(file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read helm's repositories: %w", err)
	}
	var config struct {
		Repositories []helmRepository `json:"repositories"`
	}
	if yaml.Unmarshal(text, &config) != nil {
		return fmt.Errorf("read helm's repositories: %s is no YAML of helm", file)
	}
	l.repositories = config.Repositories
	return nil
}

// Registry reaches a repository with the login that helm or docker has for it.
func (l *localRegistries) Registry(url, _ string) registry.Repo {
	repo := registry.Repo{Repo: git.Repo{URL: url}}
	if scheme, _, ok := strings.Cut(url, "://"); ok && scheme != "oci" {
		l.fromHelm(&repo)
		return repo
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "oci://"), "/")
	repo.PlainHTTP = isLoopback(host)
	login := l.login(host)
	repo.Credentials.Username = login.Username
	repo.Credentials.Password = secrets.New([]byte(login.Password))
	repo.Credentials.BearerToken = secrets.New([]byte(login.AccessToken))
	repo.IdentityToken = secrets.New([]byte(login.RefreshToken))
	return repo
}

// isLoopback: a registry on this very machine has no certificate, as docker has it.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

// fromHelm fills in what repositories.yaml has for the address.
func (l *localRegistries) fromHelm(repo *registry.Repo) {
	for _, h := range l.repositories {
		if strings.TrimRight(h.URL, "/") != strings.TrimRight(repo.URL, "/") {
			continue
		}
		c := &repo.Credentials
		c.Username, c.Password, c.InsecureSkipTLS = h.Username, secrets.New([]byte(h.Password)), h.Insecure
		repo.PassCredentials = h.PassCredentialsAll
		c.CA, c.ClientCert = l.file(repo, h.CAFile), l.file(repo, h.CertFile)
		c.ClientKey = secrets.New(l.file(repo, h.KeyFile))
		return
	}
}

// file reads a file that repositories.yaml names. That it cannot is the
// repository's fault.
func (l *localRegistries) file(repo *registry.Repo, name string) []byte {
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		repo.Fault = fmt.Sprintf("helm's repositories: %v", err)
	}
	return data
}

// login asks for the login of a host, once.
func (l *localRegistries) login(host string) auth.Credential {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.hosts[host]; ok {
		return known
	}
	ctx, cancel := context.WithTimeout(context.Background(), helperTimeout)
	defer cancel()
	login, err := l.logins.Get(ctx, credentials.ServerAddressFromHostname(host))
	if err != nil {
		login = auth.EmptyCredential // the registry says whether one is needed
	}
	l.hosts[host] = login
	return login
}

// Named returns the address of one of helm's repositories.
func (l *localRegistries) Named(name, _ string) (url string, ok bool) {
	for _, h := range l.repositories {
		if h.Name == name && name != "" {
			return h.URL, true
		}
	}
	return "", false
}

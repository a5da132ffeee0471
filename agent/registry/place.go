package registry

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/secrets"
)

// A Repo is a repository of charts or artifacts, or a single file, and how to get
// in.
type Repo struct {
	// Repo has the address: https://… of a Helm repository or a file, oci://… or no
	// scheme at all of a registry.
	git.Repo
	OCI       bool // it is a registry, whatever the scheme
	PlainHTTP bool // the registry speaks http
	// PassCredentials shows them to any host that a Helm repository says its charts
	// are on.
	PassCredentials bool
	// IdentityToken is what a registry trades for others, instead of a password.
	IdentityToken secrets.Value
}

// kind is how a server is spoken to.
type kind string

const (
	helm     kind = "chart"        // a chart of a Helm repository
	ociChart kind = "OCI chart"    // a chart of a registry
	artifact kind = "OCI artifact" // an artifact of a registry
	file     kind = "file"         // a single file
)

// A Place is one thing that a Store can bring: a chart, an artifact or a file.
// Make it by Chart, Artifact or File.
type Place struct {
	Repo

	kind  kind
	chart string
}

const ociScheme = "oci://"

// Chart is a chart of a Helm repository; or of a registry, in which its name is
// the last part of the path. An empty name leaves the path as it is.
func Chart(repo Repo, name string) Place {
	scheme, _, ok := strings.Cut(repo.URL, "://")
	if web := ok && (scheme == "https" || scheme == "http"); web && !repo.OCI {
		return Place{Repo: repo, kind: helm, chart: name}
	}
	return Place{Repo: inRegistry(repo, name), kind: ociChart}
}

// Artifact is an artifact of a registry, such as a directory of manifests. It may
// be a chart, too.
func Artifact(repo Repo) Place { return Place{Repo: inRegistry(repo, ""), kind: artifact} }

// File is the single file at the address.
func File(repo Repo) Place { return Place{Repo: repo, kind: file} }

// inRegistry gives the address the one form oci://host/path.
func inRegistry(repo Repo, name string) Repo {
	if _, rest, ok := strings.Cut(repo.URL, "://"); ok {
		repo.URL = rest
	}
	repo.URL = ociScheme + strings.TrimRight(strings.TrimSpace(repo.URL), "/")
	if name != "" {
		repo.URL += "/" + name
	}
	return repo
}

// String names the place for a person, without what may be a password.
func (p Place) String() string {
	if p.chart != "" {
		return git.Redact(p.URL) + " " + p.chart
	}
	return git.Redact(p.URL)
}

// Format is String, whatever the verb.
func (p Place) Format(s fmt.State, _ rune) { fmt.Fprint(s, p.String()) }

// fileName is under what name a file lies in its tree.
func (p Place) fileName() string {
	u, err := url.Parse(p.URL)
	if err != nil {
		return "file"
	}
	name := u.Path[strings.LastIndex(u.Path, "/")+1:]
	if name == "" || name == "." || name == ".." {
		return "file"
	}
	return name
}

// failf makes an error of a place.
func (p Place) failf(kind error, hint, format string, args ...any) *git.Error {
	return &git.Error{URL: git.Redact(p.URL), Kind: kind, What: p.Credentials.Scrub(fmt.Sprintf(format, args...)), Hint: hint}
}

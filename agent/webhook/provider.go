package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/secrets"
)

// A provider is a kind of server that sends webhooks.
type provider struct {
	name string
	// sent reports whether a request is this provider's.
	sent func(*http.Request) bool
	// verify checks the signature of a body that nobody has parsed yet, if a secret
	// demands one.
	verify func(r *http.Request, body []byte, secret func(string) secrets.Value) (demanded, ok bool)
	// parse returns nothing for an event that announces nothing.
	parse func(r *http.Request, body []byte) ([]Announcement, error)
}

// providers are asked in turn. Gitea and Gogs send GitHub's headers, too.
var providers = [...]provider{
	{"azuredevops", sentByAzure, verifyAzure, parseAzure},
	{"gitea", header("X-Gitea-Event"), signedHex("X-Gitea-Signature", "webhook.gitea.secret", "webhook.gogs.secret"), parseGitea},
	{"gogs", header("X-Gogs-Event"), signedHex("X-Gogs-Signature", "webhook.gogs.secret"), parseGogs},
	{"ghcr", sentByGHCR, signedSHA256("X-Hub-Signature-256", "webhook.ghcr.secret", "webhook.github.secret"), parseGHCR},
	{"github", header("X-GitHub-Event"), signedSHA256("X-Hub-Signature-256", "webhook.github.secret"), parseGitHub},
	{"gitlab", header("X-Gitlab-Event"), verifyGitLab, parseGitLab},
	{"bitbucket", header("X-Hook-UUID"), verifyBitbucket, parseBitbucket},
	{"bitbucketserver", header("X-Event-Key"), signedSHA256("X-Hub-Signature", "webhook.bitbucketserver.secret"), parseBitbucketServer},
	{"registry", sentByRegistry, authorized("webhook.registry.secret"), parseRegistry},
	{"harbor", queried("harbor"), authorized("webhook.harbor.secret"), parseHarbor},
	{"dockerhub", queried("dockerhub"), verifyDockerHub, parseDockerHub},
}

// Keys are those of Secret argocd-secret that are asked for.
var Keys = []string{
	"webhook.github.secret", "webhook.gitlab.secret", "webhook.bitbucket.uuid", "webhook.bitbucket.secret", "webhook.bitbucketserver.secret",
	"webhook.gogs.secret", "webhook.gitea.secret", "webhook.azuredevops.username", "webhook.azuredevops.password",
	"webhook.ghcr.secret", "webhook.registry.secret", "webhook.harbor.secret", "webhook.dockerhub.secret",
}

func providerOf(r *http.Request) *provider {
	for i := range providers {
		if providers[i].sent(r) {
			return &providers[i]
		}
	}
	return nil
}

func header(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get(name) != "" }
}

// queried are providers that say nothing of themselves, so that whoever sets one up
// writes it into the address: /api/webhook?type=harbor.
func queried(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Query().Get("type") == name }
}

// firstOf returns the first secret that is set.
func firstOf(secret func(string) secrets.Value, keys ...string) []byte {
	for _, key := range keys {
		if s := secret(key).Reveal(); len(s) > 0 {
			return s
		}
	}
	return nil
}

type verifier = func(r *http.Request, body []byte, secret func(string) secrets.Value) (demanded, ok bool)

// signedHex checks an HMAC of the body in a header.
func signedHex(header string, keys ...string) verifier { return signed(header, "", keys...) }

// signedSHA256 is signedHex with the algorithm before it.
func signedSHA256(header string, keys ...string) verifier { return signed(header, "sha256=", keys...) }

func signed(header, prefix string, keys ...string) verifier {
	return func(r *http.Request, body []byte, secret func(string) secrets.Value) (demanded, ok bool) {
		key := firstOf(secret, keys...)
		if key == nil {
			return false, false
		}
		digits, ok := strings.CutPrefix(r.Header.Get(header), prefix)
		signature, err := hex.DecodeString(digits)
		if !ok || err != nil {
			return true, false
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(body)
		return true, hmac.Equal(signature, mac.Sum(nil))
	}
}

// same compares what a sender shows with a secret, in a time that does not tell how
// far they agree.
func same(shown string, secret []byte) bool {
	a, b := sha256.Sum256([]byte(shown)), sha256.Sum256(secret)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// authorized wants the secret in the header Authorization: alone, as a bearer token
// or as a password.
func authorized(keys ...string) verifier {
	return func(r *http.Request, _ []byte, secret func(string) secrets.Value) (demanded, ok bool) {
		want := firstOf(secret, keys...)
		if want == nil {
			return false, false
		}
		shown := r.Header.Get("Authorization")
		token, _ := strings.CutPrefix(shown, "Bearer ")
		_, password, _ := r.BasicAuth()
		all := same(shown, want)
		all = same(token, want) || all
		return true, same(password, want) || all
	}
}

// fullSHA is how a push is announced.
var fullSHA = regexp.MustCompile(`^[0-9a-f]{40}$`)

// push makes the announcement of a push, if it tells enough.
func push(ref, sha string, urls ...string) (Announcement, bool) {
	a := Announcement{Ref: ref, SHA: sha, URLs: distinct(urls)}
	return a, len(a.URLs) > 0 && strings.HasPrefix(ref, "refs/") && (sha == "" || fullSHA.MatchString(sha))
}

// distinct drops addresses that are empty, or the same repository as another.
func distinct(urls []string) []string {
	var kept []string
	seen := map[string]bool{}
	for _, url := range urls {
		if name := git.Normalize(url); url != "" && !seen[name] {
			seen[name] = true
			kept = append(kept, url)
		}
	}
	return kept
}

// published makes the announcement of something new in a registry.
func published(host, repository string) (Announcement, bool) {
	repository = strings.Trim(repository, "/")
	return Announcement{URLs: []string{"oci://" + host + "/" + repository}, Published: true}, host != "" && repository != ""
}

// decode reads JSON, or JSON in a form, as some servers can be set up to send.
func decode(r *http.Request, body []byte, into any) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return err
		}
		body = []byte(form.Get("payload"))
	}
	return json.Unmarshal(body, into)
}

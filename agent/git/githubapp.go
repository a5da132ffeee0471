package git

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/tidelock-io/tidelock/secrets"
)

const (
	githubAPI   = "https://api.github.com"
	maxAPI      = 1 << 20 // bytes of an answer of an API
	appLifetime = 8 * time.Minute
	appSkew     = time.Minute // how far GitHub's clock may be behind ours
)

// An App is a GitHub App that the repository's owner has installed
// (https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app).
type App struct {
	ID           int64
	Installation int64         // 0: the one of the repository's owner
	PrivateKey   secrets.Value // PEM
	BaseURL      string        // of the API of a GitHub Enterprise Server; "" is github.com's
}

// appLogin asks GitHub for tokens of one installation, which may do what the
// permissions say and nothing else.
type appLogin struct {
	app         App
	base        string // of the API, without a slash at the end
	owner       string
	permissions map[string]string
	client      *http.Client
}

// AppToken asks GitHub for a token of the app that an owner has installed, and says
// when it ends. It may do what the permissions say ("contents": "read").
func AppToken(ctx context.Context, app App, owner string, permissions map[string]string, client *http.Client) (value secrets.Value, expires time.Time, err error) {
	a := &appLogin{app: app, base: strings.TrimRight(cmp.Or(app.BaseURL, githubAPI), "/"), owner: owner, permissions: permissions, client: client}
	t, err := a.token(ctx)
	return t.value, t.expires, err
}

func newAppLogin(repo Repo) (login, error) {
	app := repo.Credentials.GitHubApp
	a := &appLogin{app: app, base: strings.TrimRight(cmp.Or(app.BaseURL, githubAPI), "/"), owner: ownerOf(repo.URL), permissions: map[string]string{"contents": "read"}}
	host, api := hostOf(repo.URL), hostOf(a.base)
	if host != api && "api."+host != api {
		return nil, refuse("set githubAppEnterpriseBaseUrl to the API of the repository's server",
			"the GitHub App is one of %s, whose tokens are not shown to %s", api, host)
	}
	if a.owner == "" && app.Installation == 0 {
		return nil, refuse("set githubAppInstallationID", "the repository's address has no owner to find the installation by")
	}
	var err error
	a.client, err = repo.Credentials.client(host == api)
	return newTokenLogin(defaultUser, a.token), err
}

// ownerOf returns the first segment of an address' path.
func ownerOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	owner, _, _ := strings.Cut(strings.TrimLeft(u.Path, "/"), "/")
	return owner
}

func (a *appLogin) token(ctx context.Context) (token, error) {
	proof, err := a.proof(time.Now())
	if err != nil {
		return token{}, err
	}
	id := a.app.Installation
	if id == 0 {
		if id, err = a.installation(ctx, proof); err != nil {
			return token{}, err
		}
	}
	var answer struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	path := "/app/installations/" + strconv.FormatInt(id, 10) + "/access_tokens"
	wanted, err := json.Marshal(map[string]any{"permissions": a.permissions})
	if err != nil {
		return token{}, err
	}
	err = a.call(ctx, proof, http.MethodPost, path, wanted, &answer)
	if err == nil && answer.Token == "" {
		err = errors.New("GitHub's answer has no token")
	}
	return token{secrets.New([]byte(answer.Token)), answer.ExpiresAt}, err
}

// proof is the JWT by which the app says who it is.
func (a *appLogin) proof(now time.Time) (string, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM(a.app.PrivateKey.Reveal())
	if err != nil {
		return "", refuse("give the key as GitHub made it", "githubAppPrivateKey is no RSA private key in PEM")
	}
	claims := jwt.RegisteredClaims{
		Issuer:    strconv.FormatInt(a.app.ID, 10),
		IssuedAt:  jwt.NewNumericDate(now.Add(-appSkew)),
		ExpiresAt: jwt.NewNumericDate(now.Add(appLifetime)),
	}
	return jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
}

// installation finds the app's installation for the owner, an organisation or a
// person.
func (a *appLogin) installation(ctx context.Context, proof string) (int64, error) {
	var answer struct {
		ID int64 `json:"id"`
	}
	var status *apiStatus
	for _, kind := range []string{"orgs", "users"} {
		err := a.call(ctx, proof, http.MethodGet, "/"+kind+"/"+url.PathEscape(a.owner)+"/installation", nil, &answer)
		if err == nil {
			return answer.ID, nil
		}
		if !errors.As(err, &status) || status.code != http.StatusNotFound {
			return 0, err
		}
	}
	return 0, refuse("install it, or set githubAppInstallationID", "%s has not installed the GitHub App %d", a.owner, a.app.ID)
}

// apiStatus is an answer of GitHub that says no.
type apiStatus struct {
	code    int
	path    string
	message string
}

func (s *apiStatus) Error() string {
	return fmt.Sprintf("GitHub's API answers %s with status %d: %s", s.path, s.code, s.message)
}

// Unwrap: what GitHub refuses it refuses again; its own trouble may pass.
func (s *apiStatus) Unwrap() error {
	if s.code == http.StatusTooManyRequests || s.code >= http.StatusInternalServerError {
		return ErrRepository
	}
	return ErrAuth
}

func (a *appLogin) call(ctx context.Context, proof, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return refuse("correct githubAppEnterpriseBaseUrl", "the address of GitHub's API is not a URL")
	}
	req.Header.Set("Authorization", "Bearer "+proof)
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	res, err := a.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask GitHub's API for a token: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAPI))
	if err != nil {
		return fmt.Errorf("ask GitHub's API for a token: %w", err)
	}
	if res.StatusCode/100 != 2 {
		var said struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(text, &said) // the status says enough
		return &apiStatus{res.StatusCode, path, plain(errors.New(said.Message))}
	}
	if err := json.Unmarshal(text, into); err != nil {
		return errors.New("GitHub's API answers with something else than JSON") // which may hold a token
	}
	return nil
}

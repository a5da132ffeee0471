package git

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/sync/errgroup"
)

// A fakeGitHub gives tokens for the installation 7, of the organisation acme and
// the person bob. It checks what GitHub checks.
type fakeGitHub struct {
	*httptest.Server
	key    *rsa.PublicKey
	issued atomic.Int32
	life   time.Duration
	status atomic.Int32 // to answer requests for tokens with, if not 0

	mu   sync.Mutex
	last string // guarded by mu
}

func serveGitHub(t *testing.T, key *rsa.PublicKey) *fakeGitHub {
	g := &fakeGitHub{key: key, life: time.Hour}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v3/orgs/acme/installation", g.checked(g.installation))
	mux.HandleFunc("GET /api/v3/orgs/Acme/installation", g.checked(g.installation)) // case does not matter
	mux.HandleFunc("GET /api/v3/users/bob/installation", g.checked(g.installation))
	mux.HandleFunc("POST /api/v3/app/installations/7/access_tokens", g.checked(g.token))
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

func (g *fakeGitHub) checked(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		proof := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		claims, err := jwt.ParseWithClaims(proof, &jwt.RegisteredClaims{}, func(*jwt.Token) (any, error) { return g.key, nil },
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer("42"), jwt.WithIssuedAt(), jwt.WithExpirationRequired())
		if err != nil {
			http.Error(w, fmt.Sprintf(`{"message": "A JSON web token could not be decoded: %v"}`, err), http.StatusUnauthorized)
			return
		}
		c := claims.Claims.(*jwt.RegisteredClaims)
		if c.ExpiresAt.Sub(c.IssuedAt.Time) > 10*time.Minute {
			http.Error(w, `{"message": "'Expiration time' claim ('exp') is too far in the future"}`, http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func (g *fakeGitHub) installation(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id": 7}`) }

func (g *fakeGitHub) token(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Permissions map[string]string `json:"permissions"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Permissions["contents"] != "read" || len(body.Permissions) != 1 {
		http.Error(w, `{"message": "more than is needed"}`, http.StatusUnprocessableEntity)
		return
	}
	if status := g.status.Load(); status != 0 {
		http.Error(w, `{"message": "This installation has been suspended"}`, int(status))
		return
	}
	g.mu.Lock()
	g.last = fmt.Sprintf("ghs_hunter%d", g.issued.Add(1))
	defer g.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"token": %q, "expires_at": %q}`, g.last, time.Now().Add(g.life).UTC().Format(time.RFC3339))
}

// admits says whether a request shows the newest token.
func (g *fakeGitHub) admits(r *http.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	user, password, _ := r.BasicAuth()
	return user == "x-access-token" && password == g.last && g.last != ""
}

func newAppKey(t *testing.T) (*rsa.PrivateKey, secrets.Value) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	return key, secrets.New(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// serveFor is serve for whoever shows the newest token, below an owner's name.
func (u *upstream) serveFor(g *fakeGitHub) *webServer {
	web := u.serve("", "")
	guard := func(w http.ResponseWriter, r *http.Request) bool {
		if !g.admits(r) {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "not with "+r.Header.Get("Authorization"), http.StatusUnauthorized)
			return true
		}
		r.Header.Del("Authorization")
		for _, owner := range []string{"/acme/", "/Acme/", "/bob/", "/eve/"} {
			r.URL.Path = strings.Replace(r.URL.Path, owner, "/", 1)
		}
		return false
	}
	web.before.Store(&guard)
	return web
}

func TestGitHubApp(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	private, key := newAppKey(t)
	_, otherKey := newAppKey(t)
	g := serveGitHub(t, &private.PublicKey)
	web := u.serveFor(g)
	base := g.URL + "/api/v3/"

	for _, tt := range []struct {
		name, owner string
		app         App
		kind        error
		says        string
	}{
		{"installation", "acme", App{ID: 42, Installation: 7, PrivateKey: key, BaseURL: base}, nil, ""},
		{"of an organisation", "acme", App{ID: 42, PrivateKey: key, BaseURL: base}, nil, ""},
		{"of a person", "bob", App{ID: 42, PrivateKey: key, BaseURL: base}, nil, ""},
		{"not installed", "eve", App{ID: 42, PrivateKey: key, BaseURL: base}, ErrAuth, "eve has not installed the GitHub App 42"},
		{"another key", "acme", App{ID: 42, PrivateKey: otherKey, BaseURL: base}, ErrAuth, "status 401"},
		{"another app", "acme", App{ID: 43, PrivateKey: key, BaseURL: base}, ErrAuth, "status 401"},
		{"no key", "acme", App{ID: 42, PrivateKey: secrets.New([]byte("hunter22")), BaseURL: base}, ErrAuth, "githubAppPrivateKey is no RSA private key"},
		{"no such installation", "acme", App{ID: 42, Installation: 8, PrivateKey: key, BaseURL: base}, ErrAuth, "status 404"},
		{"of another server", "acme", App{ID: 42, PrivateKey: key}, ErrAuth, "api.github.com, whose tokens are not shown to 127.0.0.1"},
		{"nobody there", "acme", App{ID: 42, PrivateKey: key, BaseURL: "http://127.0.0.1:1"}, ErrRepository, "connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t, Options{})
			repo := Repo{URL: web.URL + "/" + tt.owner + "/shop.git", Credentials: Credentials{GitHubApp: tt.app}}
			sha, err := s.Resolve(t.Context(), repo, "main")
			if !errors.Is(err, tt.kind) || err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter")) {
				t.Fatalf("got %v, want %v with %q", err, tt.kind, tt.says)
			}
			if tt.kind == nil && (sha != first || content(t, tree(t, s, repo, sha), "a") != "1") {
				t.Errorf("got %s", sha)
			}
		})
	}
}

// A token serves all repositories of an owner until it is about to expire, or is
// refused; those who need one at the same time wait for one request.
func TestGitHubAppTokens(t *testing.T) {
	u := newUpstream(t)
	u.commit(map[string]string{"a": "1"})
	private, key := newAppKey(t)
	g := serveGitHub(t, &private.PublicKey)
	web := u.serveFor(g)
	s := newStore(t, Options{})
	repo := func(path string) Repo {
		return Repo{URL: web.URL + path, Credentials: Credentials{GitHubApp: App{ID: 42, PrivateKey: key, BaseURL: g.URL + "/api/v3"}}}
	}
	expect := func(what string, want int32) {
		t.Helper()
		if got := g.issued.Swap(0); got != want {
			t.Errorf("%s: %d tokens, want %d", what, got, want)
		}
	}
	var all errgroup.Group
	for range 20 {
		all.Go(func() error { _, err := s.Resolve(t.Context(), repo("/acme/shop.git"), "main"); return err })
		all.Go(func() error { _, err := s.Resolve(t.Context(), repo("/Acme/shop.git"), "main"); return err })
	}
	must(t, all.Wait())
	expect("forty at once", 1)

	g.mu.Lock()
	g.last = "revoked" // all that were issued are
	g.mu.Unlock()
	resolve(t, s, repo("/acme/shop.git"), "main")
	expect("a revoked token", 1)

	g.mu.Lock()
	g.last = "revoked"
	g.mu.Unlock()
	g.status.Store(http.StatusForbidden)
	if _, err := s.Resolve(t.Context(), repo("/acme/shop.git"), "main"); !errors.Is(err, ErrAuth) || !strings.Contains(err.Error(), "suspended") || strings.Contains(err.Error(), "hunter") {
		t.Errorf("suspended: %v", err)
	}
	g.status.Store(http.StatusBadGateway)
	if _, err := s.Resolve(t.Context(), repo("/acme/shop.git"), "main"); !errors.Is(err, ErrRepository) {
		t.Errorf("GitHub is down: %v", err)
	}
	g.status.Store(0)
	expect("no tokens", 0)

	g.life = -time.Minute // so that each is over at once
	for range 2 {
		resolve(t, s, repo("/acme/shop.git"), "main")
	}
	expect("tokens that are over", 2)
}

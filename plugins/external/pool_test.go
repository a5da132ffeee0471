package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"github.com/hashicorp/vault/api"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A vaultish is a store that counts logins and questions. A login is made with
// the Secret shop/login, and holds as long as valid.
type vaultish struct {
	mu     sync.Mutex // guards all
	logins int
	asked  int
	closed int
	valid  int   // the logins up to here have expired
	err    error // of questions
	refuse error // of logins
	hang   bool
}

func (v *vaultish) dial(ctx context.Context, kube client.Client) (esv1.SecretsClient, error) {
	if err := kube.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "login"}, &corev1.Secret{}); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.refuse != nil {
		return nil, v.refuse
	}
	v.logins++
	return &vaultToken{vaultish: v, login: v.logins}, nil
}

type vaultToken struct {
	esv1.SecretsClient
	*vaultish
	login int
}

func (c *vaultToken) GetSecret(ctx context.Context, ref esv1.ExternalSecretDataRemoteRef) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	if c.hang {
		c.mu.Unlock()
		<-ctx.Done()
		c.mu.Lock()
		return nil, ctx.Err()
	}
	if c.login <= c.valid || ref.Key == "forbidden" {
		return nil, status(http.StatusForbidden)
	}
	return []byte(ref.Key), c.err
}

func (c *vaultToken) Validate() (esv1.ValidationResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.login <= c.valid {
		return esv1.ValidationResultError, status(http.StatusForbidden)
	}
	return esv1.ValidationResultReady, nil
}

func (c *vaultToken) Close(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed++
	return nil
}

func (v *vaultish) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

func (v *vaultish) want(t *testing.T, when string, logins, asked, closed int) {
	t.Helper()
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.logins != logins || v.asked != asked || v.closed != closed {
		t.Errorf("%s: %d logins, %d questions and %d closed; want %d, %d and %d", when, v.logins, v.asked, v.closed, logins, asked, closed)
	}
}

func status(code int) error {
	return fmt.Errorf("cannot read: %w", &api.ResponseError{HTTPMethod: "GET", URL: "http://vault/v1/x", StatusCode: code, Errors: []string{http.StatusText(code)}})
}

var loginHost = host{objects: map[string]string{"Secret shop/login": "{data: {token: YQ==}}"}}

// question asks the store of a pool for a key, as a call of its own does.
func (v *vaultish) question(ctx context.Context, p *pool, h host, at place, key string) error {
	s := p.session(esv1.SecretStoreRef{Kind: at.kind, Name: at.name}, at, true, v.dial)
	defer s.Close(ctx)
	_, err := s.GetSecret(withTokens(ctx, h), esv1.ExternalSecretDataRemoteRef{Key: key})
	return err
}

var demo = place{kind: "SecretStore", namespace: "shop", name: "demo"}

// bubble runs a test in which time passes at once.
func bubble(t *testing.T, test func(t *testing.T, p *pool, v *vaultish)) {
	synctest.Test(t, func(t *testing.T) {
		v := &vaultish{}
		test(t, newPool(), v)
		time.Sleep(connectionIdle)
		synctest.Wait()
		if v.logins != v.closed {
			t.Errorf("%d logins, %d of them closed in the end", v.logins, v.closed)
		}
	})
}

func many(n int, do func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// TestOneLogin: a thousand calls, sixteen at a time, log in once; and so do those
// of the next ten minutes.
func TestOneLogin(t *testing.T) {
	bubble(t, func(t *testing.T, p *pool, v *vaultish) {
		ask := func(i int) error { return v.question(t.Context(), p, loginHost, demo, fmt.Sprint(i)) }
		if err := many(1000, ask); err != nil {
			t.Error(err)
		}
		v.want(t, "at once", 1, 1000, 0)
		for range 9 {
			time.Sleep(time.Minute)
			if err := ask(0); err != nil {
				t.Error(err)
			}
		}
		v.want(t, "within ten minutes", 1, 1009, 0)
		time.Sleep(time.Minute + time.Second)
		if err := many(10, ask); err != nil {
			t.Error(err)
		}
		v.want(t, "later", 2, 1019, 1)
		time.Sleep(connectionIdle + time.Second)
		v.want(t, "unused", 2, 1019, 2)
	})
}

// TestWhoMayShare: a login serves only those who see what it was made with.
func TestWhoMayShare(t *testing.T) {
	bubble(t, func(t *testing.T, p *pool, v *vaultish) {
		other := host{objects: map[string]string{"Secret shop/login": "{data: {token: Yg==}}"}}
		for _, h := range []host{loginHost, loginHost, other, other, loginHost} {
			if err := v.question(t.Context(), p, h, demo, "a"); err != nil {
				t.Error(err)
			}
		}
		v.want(t, "with another Secret, and back", 3, 5, 2)
		if err := v.question(t.Context(), p, host{}, demo, "a"); err == nil || !strings.Contains(err.Error(), `SecretStore "demo": Secret`) {
			t.Errorf("without the Secret: %v", err)
		}
		v.want(t, "without the Secret", 3, 5, 2)
		elsewhere := demo
		elsewhere.namespace = "other"
		if err := v.question(t.Context(), p, loginHost, elsewhere, "a"); err != nil {
			t.Error(err)
		}
		v.want(t, "another store of the name", 4, 6, 2)
	})
}

// TestExpiry: when a login expires, all who notice log in once more, together.
// What a good login may not read is no reason for another.
func TestExpiry(t *testing.T) {
	bubble(t, func(t *testing.T, p *pool, v *vaultish) {
		ask := func(int) error { return v.question(t.Context(), p, loginHost, demo, "a") }
		if err := ask(0); err != nil {
			t.Error(err)
		}
		v.set(func() { v.valid = 1 })
		if err := many(atOnce, ask); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if v.logins != 2 {
			t.Errorf("%d logins, want 2", v.logins)
		}
		before := v.asked
		for range 5 {
			if err := v.question(t.Context(), p, loginHost, demo, "forbidden"); err == nil || !strings.Contains(err.Error(), "Forbidden") {
				t.Errorf("a forbidden key: %v", err)
			}
		}
		v.want(t, "forbidden", 2, before+5, 1)
		v.set(func() { v.valid = 100 })
		if err := ask(0); err == nil || !strings.Contains(err.Error(), "Forbidden") {
			t.Errorf("no login holds: %v", err)
		}
		v.want(t, "no login holds", 3, before+7, 2)
	})
}

// TestOutage: a store that fails is left alone for a while, more each time; who
// asks meanwhile is told the same at once. One question finds out that it is back.
func TestOutage(t *testing.T) {
	bubble(t, func(t *testing.T, p *pool, v *vaultish) {
		ask := func() error { return v.question(t.Context(), p, loginHost, demo, "a") }
		v.set(func() { v.err = status(http.StatusServiceUnavailable) })
		first := ask()
		for _, seconds := range []int{2, 4, 8, 16, 32, 60, 60} {
			before := v.asked
			for range 100 {
				if err := ask(); err == nil || err.Error() != first.Error() {
					t.Fatalf("%v, at first %v", err, first)
				}
			}
			v.want(t, "left alone", 1, before, 0)
			time.Sleep(time.Duration(seconds)*time.Second - time.Millisecond)
			_ = ask()
			v.want(t, "still left alone", 1, before, 0)
			time.Sleep(time.Millisecond)
			if err := ask(); err == nil || err.Error() != first.Error() {
				t.Fatalf("%v, at first %v", err, first)
			}
			v.want(t, fmt.Sprintf("after %d s", seconds), 1, before+1, 0)
		}
		v.set(func() { v.err = nil })
		time.Sleep(time.Minute)
		if err := ask(); err != nil {
			t.Error(err)
		}
		v.set(func() { v.err = status(http.StatusTooManyRequests) })
		_ = ask()
		time.Sleep(minRest)
		v.set(func() { v.err = nil })
		if err := ask(); err != nil {
			t.Errorf("after it was back, the rest begins anew: %v", err)
		}
	})
}

// TestNoOutage: what is said of one key is no reason to leave the store alone.
func TestNoOutage(t *testing.T) {
	for name, err := range map[string]error{
		"no such key": esv1.NoSecretErr, "forbidden": status(http.StatusForbidden),
		"bad request": status(http.StatusBadRequest), "no such property": errors.New("no such property"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *pool, v *vaultish) {
				v.set(func() { v.err = err })
				for range 10 {
					if got := v.question(t.Context(), p, loginHost, demo, "a"); !errors.Is(got, err) {
						t.Errorf("%v, want %v", got, err)
					}
				}
				v.want(t, "in the end", 1, 10, 0)
			})
		})
	}
}

// TestHanging: a store that does not answer costs ten seconds of those who ask at
// the same time, and nothing of others.
func TestHanging(t *testing.T) {
	bubble(t, func(t *testing.T, p *pool, v *vaultish) {
		v.set(func() { v.hang = true })
		begin := time.Now()
		err := many(1000, func(int) error {
			err := v.question(t.Context(), p, loginHost, demo, "a")
			if err == nil || err.Error() != `SecretStore "demo": it does not answer within 10s` {
				return fmt.Errorf("it said %w", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != storeTimeout {
			t.Errorf("a thousand calls took %v", took)
		}
		v.want(t, "all the same", 1, atOnce, 0)
	})
}

// TestGivenUp: whoever goes away while a store is slow says nothing of the store.
func TestGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T, p *pool, v *vaultish) {
		v.set(func() { v.hang = true })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := v.question(ctx, p, loginHost, demo, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		v.set(func() { v.hang = false })
		if err := v.question(t.Context(), p, loginHost, demo, "a"); err != nil {
			t.Error(err)
		}
	})
}

// TestLoginRefused: a login that fails is not tried for each of a thousand.
func TestLoginRefused(t *testing.T) {
	bubble(t, func(t *testing.T, p *pool, v *vaultish) {
		v.set(func() { v.refuse = status(http.StatusBadRequest) })
		tries := 0
		for range 1000 {
			s := p.session(esv1.SecretStoreRef{Kind: demo.kind, Name: demo.name}, demo, true, func(ctx context.Context, kube client.Client) (esv1.SecretsClient, error) {
				tries++
				return v.dial(ctx, kube)
			})
			if _, err := s.GetSecret(withTokens(t.Context(), loginHost), esv1.ExternalSecretDataRemoteRef{}); err == nil {
				t.Fatal("it logged in")
			}
		}
		if tries != 1 {
			t.Errorf("%d tries, want 1", tries)
		}
	})
}

// TestPlace: what makes two stores the same.
func TestPlace(t *testing.T) {
	spec := func(server, namespace string) *esv1.SecretStoreSpec {
		ref := esv1.VaultAppRole{RoleID: "web"}
		ref.SecretRef.Name = "login"
		if namespace != "" {
			ref.SecretRef.Namespace = &namespace
		}
		return &esv1.SecretStoreSpec{Provider: &esv1.SecretStoreProvider{Vault: &esv1.VaultProvider{Server: server, Auth: &esv1.VaultAuth{AppRole: &ref}}}}
	}
	for _, tt := range []struct {
		name, kind string
		a, b       *esv1.SecretStoreSpec
		from, to   string
		want       bool
	}{
		{"the same", "SecretStore", spec("x", ""), spec("x", ""), "shop", "shop", true},
		{"of another namespace", "SecretStore", spec("x", ""), spec("x", ""), "shop", "api", false},
		{"changed", "SecretStore", spec("x", ""), spec("y", ""), "shop", "shop", false},
		{"with a login that says where it is", "ClusterSecretStore", spec("x", "admin"), spec("x", "admin"), "shop", "api", true},
		{"with a login that each has", "ClusterSecretStore", spec("x", ""), spec("x", ""), "shop", "api", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ref := esv1.SecretStoreRef{Kind: tt.kind, Name: "demo"}
			a, errA := (&stores{namespace: tt.from}).place(ref, tt.a)
			b, errB := (&stores{namespace: tt.to}).place(ref, tt.b)
			if errA != nil || errB != nil || (a == b) != tt.want {
				t.Errorf("%v and %v: %v, %v", a, b, errA, errB)
			}
		})
	}
}

// TestSteady: the same failure reads the same each time, on one line.
func TestSteady(t *testing.T) {
	for in, want := range map[string]string{
		"read tcp 127.0.0.1:51234->10.0.0.1:8200: read: connection reset by peer":          "read tcp 10.0.0.1:8200: read: connection reset by peer",
		"Error making API request.\n\nURL: GET x\nCode: 503. Errors:\n\n* Vault is sealed": "Error making API request. URL: GET x Code: 503. Errors: * Vault is sealed",
		"dial tcp 10.0.0.1:8200: connect: connection refused":                              "dial tcp 10.0.0.1:8200: connect: connection refused",
	} {
		if got := hide(errors.New(in), nil).Error(); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

package destinations

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/simtest/kube"
	"github.com/tidelock-io/tidelock/agent/values"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
)

// A place is an API server that asks for a token, and may be away.
type place struct {
	*httptest.Server
	api *kube.Server

	mu    sync.Mutex // guards all below
	token string
	away  string          // "refuses" or "hangs"
	life  context.Context // of requests; ends when the place is otherwise
	end   context.CancelFunc
}

func newPlace(t *testing.T, token string) *place {
	t.Helper()
	p := &place{api: kube.New(kube.Options{}), token: token}
	p.life, p.end = context.WithCancel(context.Background())
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	p.EnableHTTP2 = true
	p.StartTLS()
	p.do(t, http.MethodPost, "/api/v1/namespaces", `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}`)
	t.Cleanup(func() {
		p.is("refuses")
		p.api.End()
		p.CloseClientConnections()
		p.Close()
	})
	return p
}

// is changes whether the place is away.
func (p *place) is(away string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
	p.end()
	p.life, p.end = context.WithCancel(context.Background())
}

func (p *place) demands(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = token
}

func (p *place) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	away, token, life := p.away, p.token, p.life
	p.mu.Unlock()
	switch {
	case away == "refuses":
		panic(http.ErrAbortHandler)
	case away == "hangs":
		<-life.Done()
		panic(http.ErrAbortHandler)
	case token != "" && r.Header.Get("Authorization") != "Bearer "+token:
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(life, cancel)()
	response, err := p.api.RoundTrip(r.WithContext(ctx))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer response.Body.Close()
	for name, list := range response.Header {
		w.Header()[name] = list
	}
	w.WriteHeader(response.StatusCode)
	buffer := make([]byte, 8<<10)
	for {
		n, err := response.Body.Read(buffer)
		if _, failed := w.Write(buffer[:n]); failed != nil {
			panic(http.ErrAbortHandler)
		}
		_ = http.NewResponseController(w).Flush()
		if err != nil && ctx.Err() != nil {
			panic(http.ErrAbortHandler)
		}
		if err != nil {
			return
		}
	}
}

// secret is the Secret of the place, with a token.
func (p *place) secret(name, token string) keyring.ClusterSecret {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
	return secretOf(name, p.URL, fmt.Sprintf(`{"bearerToken": %q, "tlsClientConfig": {"caData": %q}}`, token, base64.StdEncoding.EncodeToString(ca)))
}

// do makes a request past all that is tested.
func (p *place) do(t *testing.T, method, path, body string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	response, err := p.api.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s", method, path, text)
	}
}

// configMap makes one that is an application's.
func (p *place) configMap(t *testing.T, name string) {
	t.Helper()
	p.do(t, http.MethodPost, "/api/v1/namespaces/shop/configmaps", fmt.Sprintf(
		`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": %q, "namespace": "shop", "labels": {%q: "shop"}, "annotations": {%q: "shop:/ConfigMap:shop/%s"}}}`,
		name, api.LabelApp, api.AnnotationTrackingID, name))
}

// An estate is Clusters, and what they have told.
type estate struct {
	*Clusters
	t       *testing.T
	woken   chan string
	changed chan string

	mu      sync.Mutex // guards all below
	secrets []keyring.ClusterSecret
	wants   []api.Destination
}

func newEstate(t *testing.T, secrets ...keyring.ClusterSecret) *estate {
	t.Helper()
	own, err := cluster.New(&rest.Config{Host: "http://own"}, slog.New(slog.DiscardHandler), cluster.Listeners{})
	if err != nil {
		t.Fatal(err)
	}
	e := &estate{t: t, woken: make(chan string, 1000), changed: make(chan string, 1000), secrets: secrets}
	e.Clusters = New(Config{
		Own:     Own{Target: Target{Cluster: own}},
		Secrets: func() []keyring.ClusterSecret { e.mu.Lock(); defer e.mu.Unlock(); return e.secrets },
		Wanted:  func() []api.Destination { e.mu.Lock(); defer e.mu.Unlock(); return e.wants },
		Timeout: 2 * time.Second, UserAgent: "tidelock", Log: slog.New(slog.DiscardHandler),
		Changed: func(server, app string, _ bool) { e.changed <- server + " " + app },
		Wake:    func(server string) { e.woken <- server },
		Used:    func(values.User) {},
	})
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return e.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	e.Refresh()
	return e
}

// knows changes the Secrets.
func (e *estate) knows(secrets ...keyring.ClusterSecret) {
	e.mu.Lock()
	e.secrets = secrets
	e.mu.Unlock()
	e.Refresh()
}

// await waits until reaching a cluster comes to this: "up", or a part of the error.
func (e *estate) await(server, want string) Target {
	e.t.Helper()
	deadline := time.After(time.Minute)
	for {
		target, err := e.Reach(server)
		if got := fmt.Sprint(err); err == nil && want == "up" || err != nil && want != "up" && strings.Contains(got, want) {
			return target
		}
		select {
		case <-e.woken: // each change is told of
		case <-time.After(100 * time.Millisecond): // but for what is too short to tell
		case <-deadline:
			e.t.Fatalf("%s: %v, want %s", server, err, want)
		}
	}
}

// sees waits until a cluster tells of the application.
func (e *estate) sees(server string) {
	e.t.Helper()
	for {
		select {
		case told := <-e.changed:
			if told == server+" shop" {
				return
			}
		case <-time.After(time.Minute):
			e.t.Fatalf("%s tells of nothing", server)
		}
	}
}

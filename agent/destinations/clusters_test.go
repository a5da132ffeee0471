package destinations

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

var configMaps = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}

// A cluster is connected to when somebody reaches for it, who does not wait for that.
func TestConnect(t *testing.T) {
	eu := newPlace(t, "one")
	e := newEstate(t, eu.secret("eu", "one"))
	if _, err := e.Reach(eu.URL); !errors.Is(err, ErrConnecting) {
		t.Errorf("reached for first: %v", err)
	}
	target := e.await(eu.URL, "up")
	if version, _ := target.Cluster.Version(); version == "" {
		t.Error("it is not known what it serves")
	}
	if err := target.Cluster.Watch(t.Context(), configMaps); err != nil {
		t.Fatal(err)
	}
	eu.configMap(t, "a")
	e.sees(eu.URL)
	if view, err := e.View(api.Destination{Name: "eu"}); err != nil || view.Cluster != target.Cluster {
		t.Errorf("the pipeline sees another cluster: %v", err)
	}
	statuses := e.Statuses()
	if len(statuses) != 1 || !statuses[0].Connected || statuses[0].Vitals.Objects != 1 {
		t.Errorf("it is told as %+v", statuses)
	}
}

// A cluster that is lost is known to be, and harms no other; what is known of it stays, and
// its watches go on when it is back.
func TestLost(t *testing.T) {
	for _, away := range []string{"refuses", "hangs"} {
		t.Run(away, func(t *testing.T) {
			eu, us := newPlace(t, "one"), newPlace(t, "two")
			e := newEstate(t, eu.secret("eu", "one"), us.secret("us", "two"))
			target, other := e.await(eu.URL, "up"), e.await(us.URL, "up")
			eu.configMap(t, "a")
			if err := errors.Join(target.Cluster.Watch(t.Context(), configMaps), other.Cluster.Watch(t.Context(), configMaps)); err != nil {
				t.Fatal(err)
			}
			eu.is(away)
			e.await(eu.URL, "the cluster does not answer: eu ("+eu.URL+"): ")
			begun := time.Now()
			if _, err := target.Cluster.Get(t.Context(), configMaps, "shop", "a"); !errors.Is(err, ErrUnreachable) {
				t.Errorf("asked all the same: %v", err)
			}
			if took := time.Since(begun); took > e.Timeout/2 && away == "hangs" {
				t.Logf("it took %s", took) // with the pauses between tries, on a busy machine
			}
			if n := target.Cluster.Objects(); n != 1 {
				t.Errorf("%d objects are known of it, want 1", n)
			}
			us.configMap(t, "b")
			e.sees(us.URL)
			eu.is("")
			if e.await(eu.URL, "up").Cluster != target.Cluster {
				t.Error("what was known of it is forgotten")
			}
			eu.configMap(t, "c")
			e.sees(eu.URL)
		})
	}
}

// What is wrong from the beginning is said, and mended by another Secret.
func TestRefused(t *testing.T) {
	eu := newPlace(t, "one")
	e := newEstate(t, eu.secret("eu", "yesterday's"))
	e.await(eu.URL, "it refuses the login of Secret argocd/eu (401 Unauthorized)")
	e.knows(eu.secret("eu", "one"))
	e.await(eu.URL, "up")
}

// Another token is another connection, and the same cluster.
func TestRotation(t *testing.T) {
	eu := newPlace(t, "one")
	e := newEstate(t, eu.secret("eu", "one"))
	target := e.await(eu.URL, "up")
	eu.configMap(t, "a")
	if err := target.Cluster.Watch(t.Context(), configMaps); err != nil {
		t.Fatal(err)
	}
	e.sees(eu.URL)
	eu.demands("two")
	e.knows(eu.secret("eu", "two"))
	if e.await(eu.URL, "up").Cluster != target.Cluster || target.Cluster.Objects() != 1 {
		t.Error("what was known of it is forgotten")
	}
	eu.is("") // ends all watches, which begin anew with the new token
	eu.configMap(t, "b")
	e.sees(eu.URL)
}

// A cluster goes with its Secret, and another scope is another cluster.
func TestSecretGoes(t *testing.T) {
	eu := newPlace(t, "one")
	secret := eu.secret("eu", "one")
	e := newEstate(t, secret)
	target := e.await(eu.URL, "up")
	secret.Namespaces = "shop"
	e.knows(secret)
	narrow := e.await(eu.URL, "up")
	if narrow.Cluster == target.Cluster || len(narrow.Cluster.Bounds().Namespaces) != 1 {
		t.Errorf("its bounds are %v", narrow.Cluster.Bounds())
	}
	e.knows()
	if _, err := e.Reach(eu.URL); !errors.Is(err, ErrNoCluster) {
		t.Errorf("without a Secret: %v", err)
	}
	if _, err := narrow.Cluster.Get(t.Context(), configMaps, "shop", "a"); err == nil {
		t.Error("it is still asked")
	}
}

// What no Application needs is let go after a while, and what one needs is not.
func TestLetGo(t *testing.T) {
	eu, us := newPlace(t, "one"), newPlace(t, "two")
	e := newEstate(t, eu.secret("eu", "one"), us.secret("us", "two"))
	e.await(eu.URL, "up")
	e.await(us.URL, "up")
	long := time.Now().Add(-2 * keptFor)
	e.Clusters.mu.Lock()
	e.used[eu.URL], e.used[us.URL] = long, long
	e.Clusters.mu.Unlock()
	e.mu.Lock()
	e.wants = []api.Destination{{Name: "us"}}
	e.mu.Unlock()
	e.letGo(e.wanted())
	e.Clusters.mu.Lock()
	defer e.Clusters.mu.Unlock()
	if e.links[eu.URL] != nil || e.links[us.URL] == nil {
		t.Errorf("there are %v", e.links)
	}
}

// A faulty Secret is a fault of its own cluster alone.
func TestFaulty(t *testing.T) {
	eu := newPlace(t, "one")
	e := newEstate(t, eu.secret("eu", "one"), secretOf("us", "https://us", "{"))
	if _, err := e.Resolve(api.Destination{Name: "us"}); err == nil || !strings.Contains(err.Error(), "argocd/us: config: it is no JSON") {
		t.Errorf("us: %v", err)
	}
	e.await(eu.URL, "up")
}

// A cluster cannot lead the agent elsewhere.
func TestElsewhere(t *testing.T) {
	asked := false
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer inner.Close()
	outer := httptest.NewServer(http.RedirectHandler(inner.URL+"/metadata", http.StatusFound))
	defer outer.Close()
	_, err := Ask(t.Context(), secretOf("eu", outer.URL, ""), nil, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "it answers 302 Found") || asked {
		t.Errorf("asked %v: %v", asked, err)
	}
	w := newWire("eu")
	w.replace(http.DefaultTransport, func() {})
	w.opens()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, inner.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := w.RoundTrip(r)
	if err == nil {
		_ = response.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "leads to another host") || asked {
		t.Errorf("followed %v: %v", asked, err)
	}
}

// What may be out of date is listed anew, and nobody goes on before.
func TestRenew(t *testing.T) {
	eu := newPlace(t, "one")
	e := newEstate(t, eu.secret("eu", "one"))
	target := e.await(eu.URL, "up")
	if err := target.Cluster.Watch(t.Context(), configMaps); err != nil {
		t.Fatal(err)
	}
	eu.api.Freeze("tidelock") // its watches tell of nothing any more
	eu.configMap(t, "a")
	e.Renew()
	if _, err := e.Reach(eu.URL); err != nil && !errors.Is(err, ErrConnecting) {
		t.Errorf("meanwhile: %v", err)
	}
	e.await(eu.URL, "up")
	if n := target.Cluster.Objects(); n != 1 {
		t.Errorf("%d objects are known, want 1", n)
	}
}

// The agent's own cluster may be reached in another name: where the agent asks it, by what
// vouches for it to the agent. Without a login its Secret gives it a name, and no more.
func TestOwnInAnotherName(t *testing.T) {
	own := newPlace(t, "one")
	e := newEstate(t, secretOf("hub", api.InClusterServer, `{"tlsClientConfig": {"insecure": false}}`))
	e.Own.Config = &rest.Config{Host: own.URL, BearerToken: "the agent's", TLSClientConfig: rest.TLSClientConfig{
		CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate().Raw}),
	}}
	if target, err := e.Reach(api.InClusterServer); err != nil || target.Cluster != e.Own.Cluster || e.OwnName() != "hub" {
		t.Errorf("%s: %v", e.OwnName(), err)
	}
	e.knows(secretOf("hub", api.InClusterServer, `{"bearerToken": "one"}`))
	if e.await(api.InClusterServer, "up").Cluster == e.Own.Cluster {
		t.Error("it is reached as the agent itself")
	}
	e.OwnDisabled = func() bool { return true }
	if _, err := e.Resolve(api.Destination{Name: "hub"}); err == nil || !strings.Contains(err.Error(), "cluster.inClusterEnabled") {
		t.Errorf("disabled: %v", err)
	}
}

// The Applications of a cluster may be left alone.
func TestSkipped(t *testing.T) {
	eu := newPlace(t, "one")
	secret := eu.secret("eu", "one")
	secret.Annotations = map[string]string{api.AnnotationSkipReconcile: "true"}
	e := newEstate(t, secret)
	if _, err := e.Reach(eu.URL); !errors.Is(err, ErrSkipped) {
		t.Errorf("skipped: %v", err)
	}
	e.knows(eu.secret("eu", "one"))
	e.await(eu.URL, "up")
}

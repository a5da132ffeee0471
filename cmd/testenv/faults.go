package testenv

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// A FaultyProxy is an API server that fails at times: a reverse proxy before a
// real one, which hands on the credentials of whoever asks. Which request fails,
// and how, is drawn from a seed; in which order requests come is not.
type FaultyProxy struct {
	share  float64
	server *httptest.Server
	behind *httputil.ReverseProxy

	mu     sync.Mutex // guards all below
	random *rand.Rand
	counts map[string]int
}

// A fault is a way in which a request fails.
type fault struct {
	name string
	do   func(p *FaultyProxy, w http.ResponseWriter, r *http.Request, dice dice)
}

// dice are what a fault has drawn.
type dice struct {
	n     int
	after time.Duration
}

// slow is how long a slow answer takes, and a watch lives at most that breaks off.
const slow = 2 * time.Second

var (
	faults = []fault{
		{"5xx", (*FaultyProxy).refuse},
		{"429", (*FaultyProxy).busy},
		{"reset", (*FaultyProxy).reset},
		{"answer lost", (*FaultyProxy).lose},
		{"2 s delay", (*FaultyProxy).delay},
	}
	watchFaults = append(slices.Clone(faults), fault{"watch cut", (*FaultyProxy).cut})
)

// StartFaults runs a proxy before the API server, of which a share of all
// requests fails.
func (c *Cluster) StartFaults(seed uint64, share float64) (*FaultyProxy, error) {
	server, err := url.Parse(c.Config.Host)
	if err != nil {
		return nil, err
	}
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(c.Config))
	if err != nil {
		return nil, err
	}
	p := &FaultyProxy{
		share: share, random: rand.New(rand.NewPCG(seed, 0)), counts: map[string]int{},
		behind: &httputil.ReverseProxy{
			Transport: transport, FlushInterval: -1, // a watch's events are not to wait
			Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(server) },
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) { abort() },
		},
	}
	p.server = httptest.NewUnstartedServer(p)
	p.server.EnableHTTP2 = true
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.StartTLS()
	return p, nil
}

// Kubeconfig writes, beside a kubeconfig for the API server, one that goes
// through the proxy, and returns its path.
func (p *FaultyProxy) Kubeconfig(direct string) (string, error) {
	config, err := clientcmd.LoadFromFile(direct)
	if err != nil {
		return "", err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	for _, cluster := range config.Clusters {
		cluster.Server, cluster.CertificateAuthority, cluster.CertificateAuthorityData = p.server.URL, "", certificate
	}
	path := direct + "-faulty"
	return path, clientcmd.WriteToFile(*config, path)
}

// Close ends the proxy and what goes through it.
func (p *FaultyProxy) Close() {
	_ = p.server.Config.Close() // who is cut off cannot come back, for whom Close would wait
	p.server.Close()
}

// String says how many requests there were, and how often each fault.
func (p *FaultyProxy) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var words []string
	for _, name := range slices.Sorted(maps.Keys(p.counts)) {
		words = append(words, fmt.Sprintf("%d %s", p.counts[name], name))
	}
	return strings.Join(words, ", ")
}

func (p *FaultyProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault, dice := p.draw(r); fault != nil {
		fault.do(p, w, r, dice)
		return
	}
	p.behind.ServeHTTP(w, r)
}

// draw decides on a request; nil lets it through.
func (p *FaultyProxy) draw(r *http.Request) (*fault, dice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts["requests"]++
	if p.random.Float64() >= p.share {
		return nil, dice{}
	}
	of := faults
	if r.URL.Query().Get("watch") != "" {
		of = watchFaults
	}
	f := &of[p.random.IntN(len(of))]
	p.counts[f.name]++
	return f, dice{p.random.IntN(len(refusals)), time.Duration(p.random.Int64N(int64(slow)))}
}

var refusals = []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// refuse answers as a load balancer without a server behind it.
func (p *FaultyProxy) refuse(w http.ResponseWriter, _ *http.Request, dice dice) {
	http.Error(w, "injected", refusals[dice.n])
}

func (p *FaultyProxy) busy(w http.ResponseWriter, _ *http.Request, _ dice) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "injected", http.StatusTooManyRequests)
}

func (p *FaultyProxy) reset(http.ResponseWriter, *http.Request, dice) { abort() }

// lose is the worst: the request counts, and who made it never hears.
func (p *FaultyProxy) lose(_ http.ResponseWriter, r *http.Request, _ dice) {
	ctx, cancel := context.WithTimeout(r.Context(), slow)
	defer cancel()
	p.behind.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	abort()
}

func (p *FaultyProxy) delay(w http.ResponseWriter, r *http.Request, _ dice) {
	select {
	case <-time.After(slow):
		p.behind.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// cut lets a watch begin, and breaks it off.
func (p *FaultyProxy) cut(w http.ResponseWriter, r *http.Request, dice dice) {
	ctx, cancel := context.WithTimeout(r.Context(), dice.after)
	defer cancel()
	p.behind.ServeHTTP(w, r.WithContext(ctx))
}

// abort ends a request without an answer.
func abort() {
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http has no other way
}

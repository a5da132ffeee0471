package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tidelock-io/tidelock/agent/shard"
	"golang.org/x/sync/errgroup"
)

// ErrStranger says that somebody is not who a Lease names.
var ErrStranger = errors.New("this is no replica that has a Lease")

// Bounds of what is said, and how long it may take.
const (
	maxQuestion = 4 << 20
	maxAnswer   = 32 << 20
	atOnce      = 16
	patience    = 5 * time.Second
)

// Peers are the other replicas. It is safe for concurrent use.
type Peers struct {
	// Others are the replicas that have a Lease, but for this one.
	Others func() []shard.Member

	log   *slog.Logger
	self  identity
	slots chan struct{}
	mux   *http.ServeMux

	mu      sync.Mutex // guards clients
	clients map[string]*http.Client
}

// New returns the peers of a process that has yet to say who the others are.
func New(log *slog.Logger) (*Peers, error) {
	self, err := newIdentity()
	if err != nil {
		return nil, err
	}
	return &Peers{log: log, self: self, slots: make(chan struct{}, atOnce), mux: http.NewServeMux(), clients: map[string]*http.Client{}}, nil
}

// Print is what the Lease of this process has to say, so that the others know it.
func (p *Peers) Print() string { return p.self.print }

// Answer has questions about a subject answered. It comes before Serve.
func Answer[Q, A any](p *Peers, subject string, answer func(ctx context.Context, question Q) A) {
	p.mux.HandleFunc("POST /"+subject, func(w http.ResponseWriter, r *http.Request) {
		var question Q
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion)).Decode(&question); err != nil {
			http.Error(w, "the question cannot be read: "+err.Error(), http.StatusBadRequest)
			return
		}
		raw, err := json.Marshal(answer(r.Context(), question))
		if err == nil && len(raw) > maxAnswer {
			err = fmt.Errorf("the answer has %d bytes", len(raw))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(raw)
	})
}

// Serve answers the others until ctx ends.
func (p *Peers) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: http.HandlerFunc(p.serve), TLSConfig: p.self.server(), ReadHeaderTimeout: patience,
		ReadTimeout: 2 * patience, WriteTimeout: 2 * patience, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return ctx },
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		<-gctx.Done()
		return server.Close()
	})
	g.Go(func() error {
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("answer other replicas: %w", err)
		}
		return nil
	})
	return g.Wait()
}

// serve lets replicas in, and a few at a time.
func (p *Peers) serve(w http.ResponseWriter, r *http.Request) {
	asker := printOf(r.TLS.PeerCertificates[0].Raw)
	if !slices.ContainsFunc(p.Others(), func(m shard.Member) bool { return m.Print == asker }) {
		http.Error(w, ErrStranger.Error(), http.StatusForbidden)
		return
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
		p.mux.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// Ask asks one of the others, and reads its answer.
func (p *Peers) Ask(ctx context.Context, m shard.Member, subject string, question, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	raw, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("word a question: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+m.Address+"/"+subject, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("ask replica %s: %w", m.ID, err)
	}
	response, err := p.client(m.Print).Do(r)
	if err != nil {
		return fmt.Errorf("ask replica %s: %w", m.ID, err)
	}
	defer response.Body.Close()
	if raw, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return fmt.Errorf("ask replica %s: %w", m.ID, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask replica %s: %s: %.200q", m.ID, response.Status, raw)
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("read the answer of replica %s: %w", m.ID, err)
	}
	return nil
}

// client keeps connections to the one with a print, for as long as it has a Lease.
func (p *Peers) client(pinned string) *http.Client {
	others := p.Others()
	p.mu.Lock()
	defer p.mu.Unlock()
	for known, client := range p.clients {
		if !slices.ContainsFunc(others, func(m shard.Member) bool { return m.Print == known }) {
			client.CloseIdleConnections()
			delete(p.clients, known)
		}
	}
	if p.clients[pinned] == nil {
		p.clients[pinned] = &http.Client{Transport: &http.Transport{
			TLSClientConfig: p.self.client(pinned), MaxIdleConnsPerHost: atOnce, IdleConnTimeout: time.Minute, DisableCompression: true,
		}}
	}
	return p.clients[pinned]
}

// Each asks all of the others at once. What one does not answer, told is told of.
func Each[A any](ctx context.Context, p *Peers, subject string, question any, told func(shard.Member, error)) []A {
	others := slices.DeleteFunc(slices.Clone(p.Others()), func(m shard.Member) bool { return m.Address == "" || m.Print == "" })
	answers := make([]A, len(others))
	var g errgroup.Group
	for i, m := range others {
		g.Go(func() error {
			if err := p.Ask(ctx, m, subject, question, &answers[i]); err != nil {
				var nothing A
				answers[i] = nothing
				told(m, err)
			}
			return nil
		})
	}
	_ = g.Wait()
	return answers
}

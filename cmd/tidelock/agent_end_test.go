package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// TestServeAnswers: a request that is under way when the agent is told to end gets its
// answer, and none after it is taken.
func TestServeAnswers(t *testing.T) {
	t.Parallel()
	address, err := testenv.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-ctx.Done() // the server is told to end now
		}
		fmt.Fprint(w, "done")
	})
	served := make(chan error, 1)
	go func() { served <- serve(ctx, address, handler) }()
	get := func(path string) (string, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			return "", err
		}
		response, err := new(http.Client).Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return string(text), err
	}
	for { // it may not listen yet
		if _, err := get("/"); err == nil {
			break
		}
	}
	go func() {
		<-begun
		cancel()
	}()
	if text, err := get("/slow"); err != nil || text != "done" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := get("/"); err == nil {
		t.Error("it answers still")
	}
}

// TestShutIsBounded: a request that has no end does not keep the agent from ending.
func TestShutIsBounded(t *testing.T) {
	t.Parallel()
	release, begun := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-release
	}))
	defer func() { close(release); server.Close() }()
	ended := make(chan error, 1)
	go func() {
		response, err := http.Get(server.URL)
		if err == nil {
			err = response.Body.Close()
		}
		ended <- err
	}()
	<-begun
	if err := shut(t.Context(), server.Config); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("it was answered")
	}
}

// TestLastResort: what does not end is left, after a while and not before.
func TestLastResort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var code atomic.Int64
		code.Store(-1)
		lastResort(ctx, endWithin, slog.New(slog.DiscardHandler), func(c int) { code.Store(int64(c)) })
		time.Sleep(time.Hour)
		synctest.Wait()
		if code := code.Load(); code != -1 {
			t.Fatalf("it has ended with %d though nobody told it to", code)
		}
		cancel()
		time.Sleep(endWithin - time.Second)
		synctest.Wait()
		if code := code.Load(); code != -1 {
			t.Errorf("it has ended with %d too soon", code)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if code := code.Load(); code != exitError {
			t.Errorf("code %d, want %d", code, exitError)
		}
	})
}

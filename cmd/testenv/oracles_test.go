package testenv

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

// Each oracle finds what is planted for it, and nothing where nothing is.

func TestPagesFindLeaks(t *testing.T) {
	canary := NewCanary("the one")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RequestURI() {
		case "/debug/pprof/goroutine?debug=2":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(canary.Text))
		case "/debug/vars":
			w.Header().Set("X-Note", strings.ReplaceAll(canary.Text[:12], "%", ""))
		}
	}))
	defer server.Close()
	found, err := NewCanaries(canary).Pages(t.Context(), server.URL)
	if err != nil || len(found) == 0 {
		t.Errorf("found %v, %v", found, err)
	}
	found, err = NewCanaries(NewCanary("another")).Pages(t.Context(), server.URL)
	if err != nil || len(found) != 0 {
		t.Errorf("of another: found %v, %v", found, err)
	}
}

func TestCoresOff(t *testing.T) {
	for _, tt := range []struct {
		name, before string
		off          bool
	}{
		{"as a shell is", "ulimit -S -c 0; ", false},
		{"no size, and nothing in it", "ulimit -c 0; echo 0 > /proc/self/coredump_filter; ", true},
		{"no size alone", "ulimit -c 0; echo 0x33 > /proc/self/coredump_filter; ", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", tt.before+"echo ready; exec cat")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 6)); err != nil {
				t.Fatal(err)
			}
			if got := CoresOff(cmd.Process.Pid); (got == nil) != tt.off {
				t.Errorf("got %v", got)
			}
			in.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			if err := CoresOff(cmd.Process.Pid); err != nil {
				t.Errorf("of one that has ended: %v", err)
			}
		})
	}
}

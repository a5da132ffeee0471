package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/registry"
	"golang.org/x/sync/errgroup"
)

// watch runs a watcher until the test ends, and returns what it tells.
func watch(t *testing.T, s *registry.Store) (moves chan registry.Moved, reach chan string) {
	t.Helper()
	moves, reach = make(chan registry.Moved, 100), make(chan string, 100)
	w := registry.NewWatcher(s, 10*time.Millisecond, nil, func(m registry.Moved) { moves <- m })
	w.Reachable = func(url string, ok bool) {
		if ok {
			reach <- "up " + url
		} else {
			reach <- "down " + url
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return w.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	return moves, reach
}

// next waits for what a watcher tells.
func next[T any](t *testing.T, from chan T) T {
	t.Helper()
	select {
	case told := <-from:
		return told
	case <-time.After(2 * time.Minute):
		t.Fatal("nothing was told")
	}
	panic("unreachable")
}

func TestWatchHelmRepository(t *testing.T) {
	w := newWeb(t)
	one := "shop 1.0.0 " + w.publish(t, "shop", "1.0.0")
	w.index(t, one)
	s := newStore(t, registry.Limits{})
	place := registry.Chart(w.repo(), "shop")
	if _, _, err := bring(t.Context(), s, place, "1.x"); err != nil {
		t.Fatal(err)
	}
	moves, reach := watch(t, s)
	two := "shop 1.1.0 " + w.publish(t, "shop", "1.1.0")
	w.index(t, one, two)
	if m := next(t, moves); m != (registry.Moved{URL: w.URL, Chart: "shop", Revision: "1.x", Old: "1.0.0", New: "1.1.0"}) {
		t.Errorf("a new version: %+v", m)
	} else if !m.Concerns(w.URL, "shop") || m.Concerns(w.URL, "other") || m.Concerns("https://elsewhere.example", "shop") {
		t.Errorf("%v concerns whom it should not, or the reverse", m)
	}
	if answer, _ := s.Known(place, "1.x"); answer.SHA != "1.1.0" {
		t.Errorf("known is %+v", answer)
	}
	w.put("/charts/shop-1.1.0.tgz", pack(t, map[string]string{"shop/Chart.yaml": "again"}))
	w.index(t, one, two)
	if m := next(t, moves); m.Old != "1.1.0" || m.New != "1.1.0" {
		t.Errorf("a version published anew: %+v", m)
	}
	if _, files, err := bring(t.Context(), s, place, "1.x"); err != nil || files != "Chart.yaml" {
		t.Errorf("its files: %s, %v", files, err)
	}
	w.handle("/index.yaml", func(res http.ResponseWriter, _ *http.Request) { res.WriteHeader(http.StatusBadGateway) })
	if told := next(t, reach); told != "down "+w.URL {
		t.Errorf("got %s", told)
	}
	if answer, known := s.Known(place, "1.x"); !known || answer.SHA != "1.1.0" || answer.Err == nil {
		t.Errorf("known while it is down: %+v", answer)
	}
	w.handle("/index.yaml", nil)
	if told := next(t, reach); told != "up "+w.URL {
		t.Errorf("got %s", told)
	}
	w.index(t, "other 1.0.0 /none")
	if m := next(t, moves); m.Old != "1.1.0" || m.New != "" {
		t.Errorf("a chart that is gone: %+v", m)
	}
	if answer, known := s.Known(place, "1.x"); known {
		t.Errorf("known after it is gone: %+v", answer)
	}
}

func TestWatchRegistry(t *testing.T) {
	r := newOCI(t)
	r.push(t, "team/manifests", "1.0.0", layerType, pack(t, map[string]string{"x.yaml": "1"}))
	s := newStore(t, registry.Limits{})
	place := registry.Artifact(r.repo("team/manifests"))
	old, _, err := bring(t.Context(), s, place, "^1")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := bring(t.Context(), s, place, "1.0.0"); err != nil {
		t.Fatal(err)
	}
	moves, _ := watch(t, s)
	latest := r.push(t, "team/manifests", "1.1.0", layerType, pack(t, map[string]string{"x.yaml": "2"}))
	if m := next(t, moves); m.Revision != "^1" || m.Old != old || m.New != latest || !m.Concerns(place.URL, "") {
		t.Errorf("a new tag: %+v", m)
	}
	anew := r.push(t, "team/manifests", "1.0.0", layerType, pack(t, map[string]string{"x.yaml": "3"}))
	if m := next(t, moves); m.Revision != "1.0.0" || m.New != anew {
		t.Errorf("a tag that was moved: %+v", m)
	}
}

func TestWatchFile(t *testing.T) {
	w := newWeb(t)
	w.put("/x.yaml", []byte("1"))
	s := newStore(t, registry.Limits{})
	place := w.repo()
	place.URL += "/x.yaml"
	if _, _, err := bring(t.Context(), s, registry.File(place), ""); err != nil {
		t.Fatal(err)
	}
	moves, _ := watch(t, s)
	w.put("/x.yaml", []byte("2"))
	if m := next(t, moves); m.New != "sha256:"+digest([]byte("2")) || m.URL != place.URL {
		t.Errorf("got %+v", m)
	}
}

func TestSame(t *testing.T) {
	for _, tt := range []struct {
		told, url, chart string
		want             bool
	}{
		{"oci://ghcr.io/org/charts/shop", "ghcr.io/org/charts", "shop", true},
		{"oci://ghcr.io/org/charts/shop", "oci://ghcr.io/org/charts", "shop", true},
		{"oci://ghcr.io/org/charts/shop", "https://ghcr.io/org/charts/", "shop", true},
		{"oci://ghcr.io/org/charts/shop", "oci://ghcr.io/org/charts/shop", "", true},
		{"oci://ghcr.io/org/charts/shop", "ghcr.io/org/charts", "other", false},
		{"https://charts.example/stable", "https://user:pw@charts.example/stable/", "shop", true},
		{"https://charts.example/stable", "https://charts.example/other", "shop", false},
		{"https://raw.example/x.yaml", "https://raw.example/x.yaml?token=1", "", true},
	} {
		if got := registry.Same(tt.told, tt.url, tt.chart); got != tt.want {
			t.Errorf("%s and %s %s: %v", tt.told, tt.url, tt.chart, got)
		}
	}
	text := registry.Moved{URL: "oci://x/y", Revision: "^1", Old: "1.0.0", New: "1.1.0"}.String()
	if !strings.Contains(text, "1.0.0 -> 1.1.0") {
		t.Error(text)
	}
}

// TestNotify: what is announced is asked for at once, by whatever name; of what nobody
// has signed, once in a while.
func TestNotify(t *testing.T) {
	w := newWeb(t)
	one := "shop 1.0.0 " + w.publish(t, "shop", "1.0.0")
	w.index(t, one)
	asked := make(chan string, 1000)
	s := registry.NewStore(registry.Options{Asked: func(url, request string) func(error) {
		return func(err error) { asked <- fmt.Sprint(url, " ", request, " ", err) }
	}})
	if _, _, err := bring(t.Context(), s, registry.Chart(w.repo(), "shop"), "1.x"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{w.URL + " resolve-revision <nil>", w.URL + " extract <nil>"} {
		if got := next(t, asked); got != want {
			t.Errorf("told of %q, want %q", got, want)
		}
	}
	moves := make(chan registry.Moved, 100)
	watcher := registry.NewWatcher(s, time.Hour, nil, func(m registry.Moved) { moves <- m })
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return watcher.Run(ctx) })
	defer func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	}()
	w.index(t, one, "shop 1.1.0 "+w.publish(t, "shop", "1.1.0"))
	for range 100 {
		watcher.Notify("https://elsewhere.example", true)
		watcher.Notify(w.URL+"/", false)
	}
	if m := next(t, moves); m.New != "1.1.0" {
		t.Errorf("%+v", m)
	}
	w.index(t, one, "shop 1.2.0 "+w.publish(t, "shop", "1.2.0"))
	for range 100 {
		watcher.Notify(w.URL, false)
	}
	watcher.Notify(strings.ToUpper(w.URL), true)
	if m := next(t, moves); m.New != "1.2.0" {
		t.Errorf("%+v", m)
	}
	if n := len(asked); n < 2 || n > 20 {
		t.Errorf("the repository was asked %d times for two announcements that count", n)
	}
}

package agent

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// A server of Applications, as of a version; it notes which are read in full.
type applicationServer struct {
	version string
	apps    map[string]string // versions by name

	mu   sync.Mutex // guards read
	read []string
}

func (s *applicationServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	of := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "argocd", Name: name, UID: types.UID(name), ResourceVersion: s.apps[name]}
	}
	name, one := strings.CutPrefix(r.URL.Path, "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/")
	if one {
		s.mu.Lock()
		s.read = append(s.read, name)
		s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(api.Application{TypeMeta: metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: "Application"}, ObjectMeta: of(name)})
		return
	}
	list := metav1.PartialObjectMetadataList{ListMeta: metav1.ListMeta{ResourceVersion: s.version}}
	for name := range s.apps {
		list.Items = append(list.Items, metav1.PartialObjectMetadata{ObjectMeta: of(name)})
	}
	_ = json.NewEncoder(w).Encode(list)
}

// TestRefreshApplications: only what has changed is read in full, and what is not there
// any more goes, unless it is newer than the list.
func TestRefreshApplications(t *testing.T) {
	t.Parallel()
	s := &applicationServer{version: "50", apps: map[string]string{"same": "10", "changed": "40", "new": "45"}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	a, err := NewApplications(&rest.Config{Host: server.URL}, "argocd", project.Namespaces{},
		func(string) project.Scoped { return project.Scoped{} }, func() int64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // guards told and left
	var told, left []string
	to := func(names *[]string) func(types.NamespacedName) {
		return func(n types.NamespacedName) {
			mu.Lock()
			defer mu.Unlock()
			*names = append(*names, n.Name)
		}
	}
	a.changed, a.left = to(&told), to(&left)
	for name, version := range map[string]string{"same": "10", "changed": "20", "gone": "30", "just made": "60"} {
		app := shop(version, func(app *api.Application) { app.Name, app.UID = name, types.UID("of "+name) })
		if err := a.Add(app); err != nil {
			t.Fatal(err)
		}
	}
	told = nil
	if err := a.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, app := range a.List() {
		have = append(have, app.Name+" "+app.ResourceVersion)
	}
	for _, list := range [][]string{s.read, told, have} {
		slices.Sort(list)
	}
	for what, tt := range map[string]struct {
		got  []string
		want string
	}{
		"read in full": {s.read, "changed, new"}, "told of": {told, "changed, gone, new"}, "left": {left, "gone"},
		"known": {have, "changed 40, just made 60, new 45, same 10"},
	} {
		if got := strings.Join(tt.got, ", "); got != tt.want {
			t.Errorf("%s: %s, want %s", what, got, tt.want)
		}
	}
}

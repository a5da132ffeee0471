package destinations

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/keyring"
)

// Destinations are found by name or by server, and what cannot be found is said in the
// words of Argo CD.
func TestResolve(t *testing.T) {
	x := newIndex([]keyring.ClusterSecret{
		secretOf("eu", "https://eu", ""), secretOf("us", "https://us-1", ""), secretOf("us", "https://us-2", ""),
		secretOf("", "https://nameless", ""), secretOf("again", "https://eu", ""), secretOf("lost", "", ""),
	}, nil)
	for _, tt := range []struct{ name, server, want string }{
		{"", api.InClusterServer, "in-cluster https://kubernetes.default.svc"},
		{"in-cluster", "", "in-cluster https://kubernetes.default.svc"},
		{"eu", "", "eu https://eu"},
		{"", "https://eu/", "eu https://eu"},
		{"", "https://nameless", " https://nameless"},
		{"us", "", "unable to find destination server: there are 2 clusters with the same name: [https://us-1 https://us-2]"},
		{"", "https://us-2", "us https://us-2"},
		{"eus", "", "!unable to find destination server: there are no clusters with this name: eus (did you mean eu?)"},
		{"mars-colony", "", "!unable to find destination server: there are no clusters with this name: mars-colony (hint: add its Secret, with the label argocd.argoproj.io/secret-type: cluster)"},
		{"", "https://mars-colony.example", `!error getting cluster by server "https://mars-colony.example": cluster "https://mars-colony.example" not found (hint: add its Secret, with the label argocd.argoproj.io/secret-type: cluster)`},
		{"eu", "https://eu", "application destination can't have both name and server defined: eu https://eu"},
		{"", "", "spec.destination: give the name or the server of a cluster"},
	} {
		to, err := x.resolve(api.Destination{Name: tt.name, Server: tt.server})
		got := to.Name + " " + to.Server
		if err != nil {
			got = err.Error()
		}
		want, unknown := strings.CutPrefix(tt.want, "!")
		if got != want || errors.Is(err, ErrNoCluster) != unknown {
			t.Errorf("%q %q:\ngot  %s\nwant %s", tt.name, tt.server, got, tt.want)
		}
	}
	want := "Secret argocd/again: argocd/eu is of the same server, and counts; Secret argocd/lost: it has no server"
	if got := strings.Join(x.odd, "; "); got != want {
		t.Errorf("odd:\ngot  %s\nwant %s", got, want)
	}
}

// Of more Secrets than an agent follows, those beyond say so, and the others are as they
// were.
func TestTooManyClusters(t *testing.T) {
	var list []keyring.ClusterSecret
	for i := range maxClusters + 2 {
		name := fmt.Sprintf("c%04d", i)
		list = append(list, secretOf(name, "https://"+name, "{}"))
	}
	x := newIndex(list, nil)
	for i, s := range list {
		fault := x.servers[s.Server].fault
		if i < maxClusters {
			if fault != nil {
				t.Fatalf("%s: %v", s.Name, fault)
			}
			continue
		}
		want := fmt.Sprintf("the Secret of the cluster argocd/%s: there are 1000 others before it by name, and no more are followed", s.Name)
		if fault == nil || fault.Error() != want {
			t.Errorf("got %v, want %s", fault, want)
		}
	}
	if got, want := strings.Join(x.odd, "; "), "there are 1002 Secrets of clusters, of which 1000 are followed, by their names"; got != want {
		t.Errorf("odd:\ngot  %s\nwant %s", got, want)
	}
}

// The Secret of the agent's own cluster gives it a name, and its own name stays.
func TestResolveOwn(t *testing.T) {
	x := newIndex([]keyring.ClusterSecret{secretOf("hub", api.InClusterServer, "{}")}, nil)
	for _, to := range []api.Destination{{Name: "hub"}, {Name: "in-cluster"}, {Server: api.InClusterServer}} {
		got, err := x.resolve(to)
		if err != nil || got.Server != api.InClusterServer || got.Name != "hub" {
			t.Errorf("%v: %v, %v", to, got, err)
		}
	}
}

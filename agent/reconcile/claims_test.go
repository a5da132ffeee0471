package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// stating makes a look at an application with ConfigMaps of these names.
func stating(t *testing.T, names string) look {
	t.Helper()
	var set manifest.Set
	for name := range strings.FieldsSeq(names) {
		o, err := manifest.New(map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "shop"},
		}, manifest.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, o)
	}
	return look{set: set}
}

func configMap(name string) manifest.Key {
	return manifest.Key{Kind: "ConfigMap", Namespace: "shop", Name: name}
}

// Whoever states an object hears of others that come to state it, or give it up.
func TestClaimsConcern(t *testing.T) {
	c := newClaims()
	for _, step := range []struct{ app, states, concerned string }{
		{"one", "a b", ""},
		{"two", "b c", "one"},
		{"three", "d", ""},
		{"two", "b c", ""},
		{"two", "c a", "one"},
		{"one", "", "two"},
		{"three", "a c", "two"},
	} {
		got := strings.Join(c.found(step.app, 0, stating(t, step.states)), " ")
		if got != step.concerned {
			t.Errorf("%s states %q: concerns %q, want %q", step.app, step.states, got, step.concerned)
		}
	}
	if got := c.forget("three"); strings.Join(got, " ") != "two" {
		t.Errorf("an application that goes concerns %v, want two", got)
	}
	for _, key := range []string{"a", "b", "c", "d"} {
		want := key == "a" || key == "c"
		if got := c.states("two", located{Key: configMap(key)}); got != want {
			t.Errorf("two states %s: %v", key, got)
		}
	}
	if len(c.stated) != 2 || !c.hasLeft("three") || c.hasLeft("two") {
		t.Errorf("stated %v, left %v", c.stated, c.left)
	}
}

func TestClaimsOthers(t *testing.T) {
	c := newClaims()
	c.found("one", 0, stating(t, "a b"))
	c.found("two", 0, stating(t, "b c"))
	others := c.others("one", "", []manifest.Key{configMap("a"), configMap("b"), configMap("c"), configMap("d")})
	if len(others) != 2 || others[configMap("b")][0] != "two" || others[configMap("c")][0] != "two" {
		t.Errorf("others %v", others)
	}
}

// A look that began before the repository moved is out of date when it ends.
func TestClaimsStale(t *testing.T) {
	c := newClaims()
	begun := c.begin("one")
	c.moved([]string{"one", "two"})
	c.found("one", begun, stating(t, "a"))
	if l, _ := c.look("one"); !l.stale {
		t.Error("a look from before is taken for the newest")
	}
	if _, ok := c.look("two"); ok {
		t.Error("a move is taken for a look")
	}
	c.found("one", c.begin("one"), stating(t, "a"))
	if l, _ := c.look("one"); l.stale {
		t.Error("the newest look is out of date")
	}
	c.moved([]string{"one"})
	if l, _ := c.look("one"); !l.stale {
		t.Error("a move makes no look out of date")
	}
}

// What cannot be rendered states what it stated before, and it is known since when.
func TestClaimsFailed(t *testing.T) {
	c := newClaims()
	c.found("one", 0, stating(t, "a"))
	first := time.Unix(1000, 0)
	c.failed("one", 0, first)
	c.failed("one", 0, first.Add(time.Minute))
	if l, _ := c.look("one"); !l.failing.Equal(first) || !c.states("one", located{Key: configMap("a")}) {
		t.Errorf("failing since %s, states %v", l.failing, c.stated)
	}
	c.found("one", 0, stating(t, "a"))
	if l, _ := c.look("one"); !l.failing.IsZero() {
		t.Error("it is failing still")
	}
}

func TestLookBehind(t *testing.T) {
	at := func(text string) look { // "url revision commit, ..."
		var l look
		for source := range strings.SplitSeq(strings.TrimSuffix(text, " pinned"), ", ") {
			words := strings.Fields(source)
			l.sources = append(l.sources, api.Source{RepoURL: words[0], TargetRevision: words[1]})
			l.revisions = append(l.revisions, words[2])
		}
		l.pinned = strings.HasSuffix(text, " pinned")
		return l
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"https://git.example/shop.git main c1", "https://git.example/shop main c1", false},
		{"https://git.example/shop.git main c1", "https://git.example/shop main c2", true},
		{"https://git.example/shop.git main c1", "https://git.example/shop next c2", false},
		{"https://git.example/shop.git main c1", "https://git.example/other main c2", false},
		{"https://git.example/shop.git main c1 pinned", "https://git.example/shop main c2", false},
		{"https://git.example/a main c1, https://git.example/b main c1", "https://git.example/b main c2", true},
	} {
		if got := at(tt.a).behind(at(tt.b)); got != tt.want {
			t.Errorf("%s behind %s: %v", tt.a, tt.b, got)
		}
		if got := at(tt.b).behind(at(tt.a)); got != tt.want {
			t.Errorf("%s behind %s: %v", tt.b, tt.a, got)
		}
	}
}

// The same object in two clusters is two objects.
func TestClaimsOfClusters(t *testing.T) {
	c := newClaims()
	in := func(server, names string) look {
		l := stating(t, names)
		l.server = server
		return l
	}
	c.found("east", 0, in("https://east", "a b"))
	if got := c.found("west", 0, in("https://west", "a b")); len(got) != 0 {
		t.Errorf("what is in another cluster concerns %v", got)
	}
	if got := c.others("east", "https://east", []manifest.Key{configMap("a")}); len(got) != 0 {
		t.Errorf("in another cluster, it is stated by %v, too", got)
	}
	if got := c.found("west", 0, in("https://east", "a")); strings.Join(got, " ") != "east" {
		t.Errorf("moved to the same cluster, it concerns %v, want east", got)
	}
	if c.states("west", located{"https://west", configMap("b")}) || !c.states("west", located{"https://east", configMap("a")}) {
		t.Errorf("moved, it states %v", c.stated)
	}
}

// Applications that are stated for another cluster are none of ours.
func TestApplicationsElsewhere(t *testing.T) {
	child := objectIn(t, "argoproj.io/Application argocd/shop", "{}")
	for server, want := range map[string]int{api.InClusterServer: 1, "https://west": 0} {
		if got := applications(look{server: server, set: manifest.Set{child}}); len(got) != want {
			t.Errorf("%s: %v", server, got)
		}
	}
}

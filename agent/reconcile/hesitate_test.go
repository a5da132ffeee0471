package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// lookOf reads "at REVISION", "stale", "failing 3m", "pinned" or "with NAME", a
// child, in any order; "" is no look yet.
func lookOf(t *testing.T, text string) (l look, ok bool) {
	t.Helper()
	words := strings.Fields(text)
	l = look{sources: []api.Source{{RepoURL: "r"}}, revisions: []string{"new"}}
	for i, word := range words {
		switch word {
		case "at":
			l.revisions = []string{words[i+1]}
		case "of":
			l.sources = []api.Source{{RepoURL: words[i+1]}}
		case "stale":
			l.stale = true
		case "pinned":
			l.pinned = true
		case "failing":
			since, err := time.ParseDuration(words[i+1])
			if err != nil {
				t.Fatal(err)
			}
			l.failing = at.Add(-since)
		case "with":
			l.apps = append(l.apps, types.NamespacedName{Namespace: "argocd", Name: words[i+1]})
		}
	}
	return l, len(words) > 0
}

// What has to be known before an object is deleted.
func TestDoubt(t *testing.T) {
	const automated = "policy: {automated: {}}"
	for _, tt := range []struct {
		name, own, other, look string
		waits                  string // for whom
	}{
		{"the other states what is known", "at new", "", "at new", ""},
		{"it was not looked at yet", "at new", "", "", "other"},
		{"its repository has moved", "at new", "", "at new stale", "other"},
		{"it is behind", "at new", "", "at old", "other"},
		{"it is of another repository", "at new", "", "at old of elsewhere", ""},
		{"an operation chose its revision, and not the newest", "at new", "", "at old pinned", "other"},
		{"an operation chose ours", "at new pinned", "", "at old", ""},
		{"it cannot be rendered", "at new", "", "at new failing 1m", "other"},
		{"for too long", "at new", "", "at new failing 3m", ""},
		{"it goes itself", "at new", "deleted: yes", "", ""},
		{"it is left alone", "at new", `annotations: {argocd.argoproj.io/skip-reconcile: "true"}`, "", ""},
		{"our own repository has moved", "at new stale", "", "at new", "web"},
		{"it is about to create another", "at new", automated, "at new with child", "child"},
		{"which is there", "at new", automated, "at new with web", ""},
		{"which nobody syncs", "at new", "", "at new with child", ""},
		{"from another repository", "at new", automated, "at new of elsewhere with child", ""},
	} {
		for _, where := range []string{"here", "in another replica"} {
			t.Run(tt.name+", "+where, func(t *testing.T) {
				p := passOver(appIn(t, "web", ""))
				p.among(appIn(t, "other", tt.other))
				of := p.r
				if where != "here" {
					of = divided(p, "other")
				}
				if l, ok := lookOf(t, tt.own); ok {
					p.r.claims.looks["web"] = l
				}
				if l, ok := lookOf(t, tt.look); ok {
					of.claims.looks["other"] = l
				}
				want := ""
				if tt.waits != "" {
					want = "waiting to delete ConfigMap shop/a until it is known whether application " + tt.waits + " states it"
				}
				if got := p.doubt(t.Context(), "1", []manifest.Key{configMap("a")}, true); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				if again := p.again == askAgain; again != (of != p.r && tt.waits == "other") {
					t.Errorf("another pass is due after %s", p.again)
				}
				if got := p.doubt(t.Context(), "1", nil, true); got != "" {
					t.Errorf("nothing is to be deleted, and yet %q", got)
				}
			})
		}
	}
}

// Each operation waits for its own time, and not for ever.
func TestDoubtEnds(t *testing.T) {
	p := passOver(appIn(t, "web", ""))
	p.among(appIn(t, "other", ""))
	for _, step := range []struct {
		minute int
		by     string
		waits  bool
	}{{0, "1", true}, {1, "1", true}, {2, "1", false}, {3, "1", false}, {60, "2", true}, {61, "2", true}, {62, "2", false}} {
		p.now = metav1.NewTime(at.Add(time.Duration(step.minute) * time.Minute))
		if got := p.doubt(t.Context(), step.by, []manifest.Key{configMap("a")}, true); (got != "") != step.waits {
			t.Errorf("minute %d, operation %s: got %q, want a wait: %v", step.minute, step.by, got, step.waits)
		}
	}
}

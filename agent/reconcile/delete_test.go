package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/health"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
)

const (
	pre, preCleanup   = api.FinalizerPreDelete, api.FinalizerPreDeleteCleanup
	post, postCleanup = api.FinalizerPostDelete, api.FinalizerPostDeleteCleanup
)

// SEMANTICS.md 2.2: the finalizers come and go with the hooks in Git.
func TestFinalizersOfHooks(t *testing.T) {
	for _, tt := range []struct {
		name        string
		have        []string
		hooks, want string // want "" if nothing changes
	}{
		{"none", nil, "PreSync", ""},
		{"2.2 PreDelete: its finalizer comes with the hook", []string{"mine", api.FinalizerResources}, "PreDelete", "mine " + api.FinalizerResources + " " + pre + " " + preCleanup},
		{"both, of one hook", nil, "PreDelete+PostDelete", pre + " " + preCleanup + " " + post + " " + postCleanup},
		{"they are there", []string{pre, "mine", preCleanup}, "PreDelete PreSync", ""},
		{"one of two is there", []string{postCleanup}, "PostDelete", postCleanup + " " + post},
		{"2.2 PostDelete: its finalizer stays, that of PreDelete goes", []string{pre, "mine", preCleanup, post, postCleanup}, "PostDelete", "mine " + post + " " + postCleanup},
		{"all go", []string{pre, preCleanup}, "", "[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var hooks []plan.Hook
			for words := range strings.FieldsSeq(tt.hooks) {
				var h plan.Hook
				for word := range strings.SplitSeq(words, "+") {
					h.Types = append(h.Types, api.HookType(word))
				}
				hooks = append(hooks, h)
			}
			was := slices.Clone(tt.have)
			got, changed := withFinalizers(tt.have, hooks)
			text := strings.Join(got, " ")
			if text == "" {
				text = "[]"
			}
			if changed != (tt.want != "") || changed && text != tt.want {
				t.Errorf("got %s, changed %v; want %q", text, changed, tt.want)
			}
			if !slices.Equal(tt.have, was) {
				t.Errorf("the Application's own list became %v", tt.have)
			}
		})
	}
}

// SEMANTICS.md 2.3 and 1.6: what stays, what asks for consent, and how objects go.
func TestDeletionOptions(t *testing.T) {
	for _, tt := range []struct{ name, kind, own, app, want string }{
		{"nothing said", "ConfigMap", "", "", "goes"},
		{"1.6 Delete=false: stays", "ConfigMap", "Prune=false, Delete=false", "", "stays"},
		{"for the Application", "ConfigMap", "", "Delete=false", "stays"},
		{"its own word counts", "ConfigMap", "Delete=true", "Delete=false", "goes"},
		{"1.6 exact words: Delete=False says nothing", "ConfigMap", "Delete=False", "", "goes"},
		{"Prune=false is of prunes", "ConfigMap", "Prune=false", "", "goes"},
		{"2.15 fact 17: a definition is never deleted in cascade", "CustomResourceDefinition", "", "", "stays"},
		{"1.6 Delete=confirm: asks", "ConfigMap", "Delete=confirm", "", "asks"},
		{"2.3 Delete=confirm: Prune=confirm asks, too", "ConfigMap", "Prune=confirm", "", "asks"},
		{"Delete=confirm for the Application", "ConfigMap", "", "Delete=confirm", "asks"},
		{"a confirm of its own in place of a false", "ConfigMap", "Delete=confirm", "Delete=false", "asks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &diff.Live{Key: manifest.Key{Kind: tt.kind, Namespace: "shop", Name: "x"}, Options: tt.own}
			app := api.ParseSyncOptions(tt.app)
			got := "goes"
			if stays(tt.kind, l, app) {
				got = "stays"
			} else if asks(l.Options, app) {
				got = "asks"
			}
			if got != tt.want {
				t.Errorf("own %q, application's %q: got %s, want %s", tt.own, tt.app, got, tt.want)
			}
			if l.Keep = true; !stays(tt.kind, l, app) {
				t.Error("helm.sh/resource-policy: keep does not count")
			}
		})
	}
	for finalizers, want := range map[string]string{
		"resources-finalizer.argocd.argoproj.io": "Foreground",
		"mine resources-finalizer.argocd.argoproj.io/foreground resources-finalizer.argocd.argoproj.io/background":                         "Foreground",
		"resources-finalizer.argocd.argoproj.io/background pre-delete-finalizer.argocd.argoproj.io resources-finalizer.argocd.argoproj.io": "Background",
	} {
		if got := propagation(strings.Fields(finalizers)); string(got) != want {
			t.Errorf("%s: got %s, want %s", finalizers, got, want)
		}
	}
}

// What becomes of the hook of a deletion in the end, by health and delete policy.
func TestFateOfLastHooks(t *testing.T) {
	words := map[fate]string{keep: "keep", release: "release", remove: "remove"}
	for in, want := range map[string]string{
		" HookSucceeded":                     "remove", // of a kind without a check
		"Healthy ":                           "release",
		"Healthy BeforeHookCreation":         "release",
		"Healthy HookSucceeded":              "remove",
		"Healthy HookFailed":                 "release",
		"Healthy HookFailed,hook-succeeded":  "remove",
		"Degraded HookFailed":                "remove",
		"Degraded HookSucceeded":             "release",
		"Progressing BeforeHookCreation":     "remove", // somebody has given it up
		"Suspended HookSucceeded,HookFailed": "remove",
	} {
		code, policies, _ := strings.Cut(in, " ")
		l := &diff.Live{Health: health.Health{Code: api.HealthCode(code)}, HookPolicies: policies}
		if got := words[lastFate(l)]; got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestWavesOfADeletion(t *testing.T) {
	var doomed []diff.Change
	for name, wave := range map[string]int{"a": -1, "b": 3, "c": 0, "d": 3} {
		key := manifest.Key{Kind: "ConfigMap", Namespace: "shop", Name: name}
		doomed = append(doomed, diff.Change{Key: key, Live: &diff.Live{Key: key, Wave: wave}})
	}
	slices.SortFunc(doomed, func(a, b diff.Change) int { return a.Key.Compare(b.Key) })
	if got := named(lastWave(doomed)); got != "ConfigMap shop/b (and 1 more)" {
		t.Errorf("got %s", got)
	}
	if len(doomed) != 4 {
		t.Errorf("of four objects %d are left", len(doomed))
	}
}

func TestHoldOf(t *testing.T) {
	for finalizers, want := range map[string]string{
		"":                   "was deleted at 2026-09-21T14:13:20Z and is still there",
		"foregroundDeletion": "was deleted at 2026-09-21T14:13:20Z and goes when its dependents have gone",
		"a.example/x, b":     "was deleted at 2026-09-21T14:13:20Z and stays until whoever set them has removed its finalizers: a.example/x, b",
	} {
		if got := holdOf(&diff.Live{Deleted: 1790000000, Finalizers: finalizers}); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", finalizers, got, want)
		}
	}
	if got := fmt.Sprint(propagation(nil)); got != "Foreground" {
		t.Errorf("without a finalizer: got %s", got)
	}
}

// How far the hook of a deletion is, by its object alone, whoever looks (DESIGN.md
// D8). The deletion is of 1790000000, and Git states what has the hash h.
func TestJudgeLast(t *testing.T) {
	app := read[api.Application](t, `{metadata: {name: shop, deletionTimestamp: "2026-09-21T14:13:20Z"}, spec: {destination: {}, project: a}}`)
	o := objectIn(t, "batch/Job shop/backup", "{}")
	hash := o.Hash()[:8]
	for _, tt := range []struct{ name, live, want string }{
		{"there is none", "", ""},
		{"one that has succeeded is not run again", "1790000000.HASH.PreDelete Healthy", "Succeeded"},
		{"though Git states another by now", "1790000000.00000000.PreDelete Healthy", "Succeeded"},
		{"though it is being deleted", "1790000000.HASH.PreDelete Healthy deleting", "Succeeded"},
		{"one that runs", "1790000000.HASH.PreDelete Progressing", "Running"},
		{"one that has failed stands in the way", "1790000000.HASH.PreDelete Degraded", "Failed"},
		{"until Git states another", "1790000000.00000000.PreDelete Degraded", "anew"},
		{"or somebody deletes it", "1790000000.HASH.PreDelete Degraded deleting", "anew"},
		{"one that hangs is mended in Git", "1790000000.00000000.PreDelete Progressing", "anew"},
		{"of another moment", "1790000000.HASH.PostDelete Healthy", ""},
		{"of an earlier Application of the name", "1780000000.HASH.PreDelete Healthy", ""},
		{"of a sync", "1790000000.0.PreSync Healthy", ""},
		{"another application's", "1790000000.HASH.PreDelete Healthy of=bank", "Error"},
		{"nobody's", "1790000000.HASH.PreDelete Healthy of=", "Error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := plan.Run{Hook: plan.Hook{Object: o}, Type: api.HookPreDelete, Object: o}
			if words := strings.Fields(tt.live); len(words) > 0 {
				r.Live = &diff.Live{Key: o.Key, App: "shop", Created: at.Unix(), Hook: true, Health: health.Health{Code: api.HealthCode(words[1])}}
				r.Live.Operation = strings.ReplaceAll(words[0], "HASH", hash)
				r.Live.Deleting = slices.Contains(words, "deleting")
				if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "of=") }); i >= 0 {
					r.Live.App = strings.TrimPrefix(words[i], "of=")
				}
			}
			passOver(app).judgeLast(&r)
			got := string(r.Phase)
			if r.Anew {
				got += "anew"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

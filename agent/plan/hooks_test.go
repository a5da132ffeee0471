package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// What Split makes of the annotations argocd.argoproj.io/hook and helm.sh/hook, at
// the first sync and at later ones: "object", "none" if it is dropped, or the types.
func TestSplit(t *testing.T) {
	for _, tt := range []struct{ name, argo, helm, first, later string }{
		{"no hook", "", "", "object", "object"},
		{"2.2 hook annotation: a list", " PostSync , PreSync,", "", "PreSync PostSync", "PreSync PostSync"},
		{"2.2 all types", "PostDelete,SyncFail,PostSync,Sync,PreSync,PreDelete", "", "PreDelete PreSync Sync PostSync SyncFail PostDelete", "PreDelete PreSync Sync PostSync SyncFail PostDelete"},
		{"2.2 twice is once", "PreSync,PreSync", "", "PreSync", "PreSync"},
		{"2.2 hook annotation: of unknown words only, a hook with no phase", "Sometimes", "", "hook", "hook"},
		{"2.2 an unknown word beside a known one", "Sometimes,Sync", "", "Sync", "Sync"},
		{"2.2 words are exact", "presync", "", "hook", "hook"},
		{"2.2 Skip: alone it takes the object out", "Skip", "", "none", "none"},
		{"2.2 Skip: among others it does nothing", "Skip,Sync", "", "Sync", "Sync"},
		{"2.2 Helm mapping: counts only without a valid word of Argo CD's", "Sometimes", "post-install,post-upgrade", "PostSync", "PostSync"},
		{"2.2 Argo CD's counts before Helm's", "Sync", "pre-install", "Sync", "Sync"},
		{"2.2 Helm mapping: pre-install and pre-upgrade are PreSync", "", "pre-install,pre-upgrade", "PreSync", "PreSync"},
		{"2.15 fact 10: Helm's install hooks are of the first sync only (DESIGN 4)", "", "pre-install", "PreSync", "none"},
		{"2.15 fact 10: Helm's upgrade hooks are of later ones only (DESIGN 4)", "", "post-upgrade", "none", "PostSync"},
		{"2.2 Helm mapping: pre-delete and post-delete", "", "pre-delete,post-delete", "PreDelete PostDelete", "PreDelete PostDelete"},
		{"2.2 Helm mapping: crd-install is an ordinary object", "", "crd-install", "object", "object"},
		{"2.2 Helm mapping: tests never run", "", "test", "none", "none"},
		{"2.2 Helm's old tests never run", "", "test-success", "none", "none"},
		{"2.2 Helm mapping: rollbacks never run", "", "pre-rollback,post-rollback", "none", "none"},
	} {
		for upgrade, want := range map[bool]string{false: tt.first, true: tt.later} {
			t.Run(fmt.Sprintf("%s, upgrade %v", tt.name, upgrade), func(t *testing.T) {
				objects, hooks := Split(manifest.Set{annotated(t, map[string]any{api.AnnotationHook: tt.argo, api.AnnotationHelmHook: tt.helm})}, upgrade)
				if got := outcome(objects, hooks); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
}

func outcome(objects manifest.Set, hooks []Hook) string {
	switch {
	case len(objects) == 1:
		return "object"
	case len(hooks) == 0:
		return "none"
	case len(hooks[0].Types) == 0:
		return "hook"
	}
	var words []string
	for _, t := range hooks[0].Types {
		words = append(words, string(t))
	}
	return strings.Join(words, " ")
}

func annotated(t *testing.T, annotations map[string]any) *manifest.Object {
	t.Helper()
	for name, value := range annotations {
		if value == "" {
			delete(annotations, name)
		}
	}
	o, err := manifest.New(map[string]any{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": map[string]any{"generateName": "migrate-", "annotations": annotations},
	}, manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// 2.2 delete policies: the words of both annotations add up; BeforeHookCreation is the default.
func TestParsePolicies(t *testing.T) {
	for _, tt := range []struct {
		argo, helm string
		want       Policies
	}{
		{"", "", Policies{BeforeCreation: true}},
		{"HookSucceeded", "", Policies{Succeeded: true}},
		{"HookSucceeded, HookFailed", "", Policies{Succeeded: true, Failed: true}},
		{"HookSucceeded", "hook-failed,before-hook-creation", Policies{BeforeCreation: true, Succeeded: true, Failed: true}},
		{"Sometimes", "", Policies{BeforeCreation: true}},
		{"", "hook-succeeded", Policies{Succeeded: true}},
	} {
		if got := ParsePolicies(tt.argo, tt.helm); got != tt.want {
			t.Errorf("%q and %q: got %+v, want %+v", tt.argo, tt.helm, got, tt.want)
		}
	}
}

// 2.2 hook names: the name is the same whenever an operation is resumed, and another in the
// next one, and in a retry, which runs its hooks anew.
func TestHookName(t *testing.T) {
	o := annotated(t, map[string]any{api.AnnotationHook: "PreSync"})
	for retry, want := range []string{"migrate-abcdef0-presync-1790000000", "migrate-abcdef0-presync-1790000000-1"} {
		if got := HookName(o, "ABCDEF0123456789", api.HookPreSync, 1790000000, int64(retry)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// 2.2 generateName: of what is no commit, the name is one that objects may have.
func TestHookNameOfVersions(t *testing.T) {
	o := annotated(t, map[string]any{api.AnnotationHook: "PreSync"})
	for revision, want := range map[string]string{
		"1.10.0-rc.1":             "migrate-1.10.0-presync-7",
		"1.2.3+build":             "migrate-1.2.3-b-presync-7",
		"sha256:ABCDEF0123456789": "migrate-abcdef0-presync-7",
		"0123456789012345678901234567890123456789": "migrate-0123456-presync-7",
	} {
		if got := HookName(o, revision, api.HookPreSync, 7, 0); got != want {
			t.Errorf("%s: got %s, want %s", revision, got, want)
		}
	}
}

func TestLeftover(t *testing.T) {
	other := readChanges(t, "same batch/Job shop/migrate")[0].Live
	leaving := readChanges(t, "same batch/Job shop/migrate deleting")[0].Live
	before, patched := Hook{Policies: Policies{BeforeCreation: true}}, Hook{Policies: Policies{Succeeded: true}}
	for _, tt := range []struct {
		name string
		run  Run
		want bool
	}{
		{"nothing there", Run{Hook: before}, false},
		{"2.2 BeforeHookCreation: the object of another run goes first", Run{Hook: before, Live: other}, true},
		{"2.2 without BeforeHookCreation: it is patched", Run{Hook: patched, Live: other}, false},
		{"one that goes is awaited", Run{Hook: patched, Live: leaving}, true},
		{"of this run", Run{Hook: before, Live: other, Phase: api.OperationRunning}, false},
	} {
		if got := tt.run.Leftover() != nil; got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// FuzzHookTypes: an object of a set is an object, a hook or dropped, but never two
// of them; what api.IsHook calls none is an object.
func FuzzHookTypes(f *testing.F) {
	f.Add("PreSync,Skip", "pre-install", true)
	f.Add("", "crd-install,test", false)
	f.Fuzz(func(t *testing.T, argo, helm string, upgrade bool) {
		o, err := manifest.New(map[string]any{
			"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": "a", "annotations": map[string]any{
				api.AnnotationHook: argo, api.AnnotationHelmHook: helm, api.AnnotationHookDeletePolicy: argo, api.AnnotationHelmHookDeletePolicy: helm,
			}},
		}, manifest.Origin{})
		if err != nil {
			return
		}
		objects, hooks := Split(manifest.Set{o}, upgrade)
		if len(objects)+len(hooks) > 1 || (len(objects) == 1) == api.IsHook(o.Annotations) {
			t.Errorf("%q and %q: %d objects, %d hooks, a hook: %v", argo, helm, len(objects), len(hooks), api.IsHook(o.Annotations))
		}
		for _, h := range hooks {
			if h.Policies == (Policies{}) {
				t.Errorf("%q and %q: a hook without a delete policy", argo, helm)
			}
			for i, kind := range h.Types {
				if !kind.Known() || i > 0 && slices.Index(hookOrder, h.Types[i-1]) >= slices.Index(hookOrder, kind) {
					t.Errorf("%q and %q: types %v", argo, helm, h.Types)
				}
			}
		}
	})
}

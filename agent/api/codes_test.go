package api

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func TestCompleted(t *testing.T) {
	for phase, want := range map[OperationPhase]bool{
		"": false, OperationRunning: false, OperationTerminating: false,
		OperationSucceeded: true, OperationFailed: true, OperationError: true,
	} {
		if got := phase.Completed(); got != want {
			t.Errorf("%q: got %v, want %v", phase, got, want)
		}
	}
}

func TestKnownHooks(t *testing.T) {
	for hook, want := range map[HookType]bool{
		HookPreSync: true, HookSync: true, HookPostSync: true, HookSyncFail: true, HookSkip: true,
		HookPreDelete: true, HookPostDelete: true, "presync": false, "": false,
	} {
		if got := hook.Known(); got != want {
			t.Errorf("hook %q: got %v, want %v", hook, got, want)
		}
	}
	for policy, want := range map[HookDeletePolicy]bool{
		HookDeleteBeforeCreation: true, HookDeleteSucceeded: true, HookDeleteFailed: true, "Never": false, "": false,
	} {
		if got := policy.Known(); got != want {
			t.Errorf("policy %q: got %v, want %v", policy, got, want)
		}
	}
}

func TestApplicationsSync(t *testing.T) {
	for policy, want := range map[ApplicationsSync]string{
		"": "true true", ApplicationsSyncAll: "true true", ApplicationsSyncCreateOnly: "false false",
		ApplicationsSyncCreateUpdate: "true false", ApplicationsSyncCreateDelete: "false true",
	} {
		if got := fmt.Sprint(policy.AllowUpdate(), " ", policy.AllowDelete()); got != want {
			t.Errorf("%q: got update, delete %s, want %s", policy, got, want)
		}
	}
}

func TestSyncWave(t *testing.T) {
	for _, tt := range []struct {
		name, wave, weight string
		want               int
	}{
		{"none", "", "", 0},
		{"wave", "-1", "", -1},
		{"2.1 wave: else Helm's weight", "", "5", 5},
		{"2.1 wave: the annotation before Helm's weight", "0", "5", 0},
		{"2.1 wave: what is no integer is ignored", "first", "5", 5},
	} {
		annotations := map[string]string{AnnotationSyncWave: tt.wave, AnnotationHelmHookWeight: tt.weight}
		if got := SyncWave(annotations); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// FuzzSyncWave: a wave is what the annotation says, if that is a number, and never
// anything else.
func FuzzSyncWave(f *testing.F) {
	f.Add("-5", "7")
	f.Add("+1", "0x10")
	f.Add("99999999999999999999", " 1")
	f.Fuzz(func(t *testing.T, wave, weight string) {
		got := SyncWave(map[string]string{AnnotationSyncWave: wave, AnnotationHelmHookWeight: weight})
		if again := SyncWave(map[string]string{AnnotationSyncWave: strconv.Itoa(got)}); again != got {
			t.Errorf("%d is read as %d", got, again)
		}
		if n, err := strconv.Atoi(wave); err == nil && got != n {
			t.Errorf("%q is wave %d", wave, got)
		}
		if got != 0 && SyncWave(map[string]string{AnnotationSyncWave: wave}) != got && SyncWave(map[string]string{AnnotationHelmHookWeight: weight}) != got {
			t.Errorf("%q and %q are wave %d", wave, weight, got)
		}
	})
}

// FuzzSyncOptions: an option is there as it is written, or not at all.
func FuzzSyncOptions(f *testing.F) {
	f.Add(" Prune=false , Prune=confirm", "Prune", "false")
	f.Add("A=b=c,,", "A", "b=c")
	f.Add("Prune=,Prune=0", "Prune", "0")
	f.Fuzz(func(t *testing.T, annotation, name, value string) {
		options := ParseSyncOptions(annotation)
		if got := options.Value(name); got != "" && !options.Has(name+"="+got) {
			t.Errorf("%q has no %q, and its value is %q", annotation, name, got)
		}
		if options.Has(name+"="+value) && value != "" && options.Value(name) == "" {
			t.Errorf("%q has %s=%s, and no value of it", annotation, name, value)
		}
		for _, option := range options {
			if option != strings.TrimSpace(option) || strings.Contains(option, ",") || option == "" {
				t.Errorf("%q has option %q", annotation, option)
			}
		}
	})
}

func TestIsHook(t *testing.T) {
	for _, tt := range []struct {
		name, argo, helm string
		want             bool
	}{
		{"an object", "", "", false},
		{"2.2 hooks are marked: by Argo CD's annotation", "PreSync", "", true},
		{"of unknown words, too", "Sometimes", "", true},
		{"no word at all", " , ", "", false},
		{"by Helm's", "", "pre-install", true},
		{"2.2 Helm mapping: crd-install alone makes no hook", "", "crd-install", false},
		{"with another word it does", "", "crd-install, test", true},
	} {
		if got := IsHook(map[string]string{AnnotationHook: tt.argo, AnnotationHelmHook: tt.helm}); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

package main

import (
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// parsed decodes YAML.
func parsed[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

// What a definition lacks is named by its path; what keeps unknown fields lacks none.
func TestMissingFields(t *testing.T) {
	const ours = `{properties: {spec: {properties: {a: {}, b: {items: {properties: {c: {}, d: {}}}}, e: {additionalProperties: {properties: {f: {}}}}}}, status: {properties: {g: {}}}}}`
	for _, tt := range []struct{ name, theirs, want string }{
		{"the same", ours, ""},
		{"more", `{properties: {more: {}, spec: {properties: {a: {}, b: {items: {properties: {c: {}, d: {}}}}, e: {additionalProperties: {properties: {f: {}}}}}}, status: {properties: {g: {}}}}}`, ""},
		{"less", `{properties: {spec: {properties: {b: {items: {properties: {c: {}}}}, e: {additionalProperties: {properties: {}}}}}}}`, "spec.a, spec.b[].d, spec.e[].f, status"},
		{"unknown fields are kept", `{properties: {spec: {x-kubernetes-preserve-unknown-fields: true}, status: {properties: {g: {}}}}}`, ""},
		{"nothing", `{}`, "spec, status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			missing := missingFields(parsed[map[string]any](t, ours), parsed[map[string]any](t, tt.theirs), "")
			if got := strings.Join(missing, ", "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestWhyNotReady(t *testing.T) {
	for _, tt := range []struct{ name, status, want string }{
		{"ready", `{phase: Running, conditions: [{type: Ready, status: "True"}], containerStatuses: [{name: agent, ready: true, restartCount: 0, image: "", imageID: ""}]}`, ""},
		{"no node", `{phase: Pending, conditions: [{type: PodScheduled, status: "False", message: no node has room}]}`, "no node has room"},
		{"no image", `{phase: Pending, containerStatuses: [{name: agent, ready: false, restartCount: 0, image: "", imageID: "", state: {waiting: {reason: ErrImagePull, message: not found}}}]}`, "ErrImagePull not found"},
		{
			"it ends", `{phase: Running, containerStatuses: [{name: agent, ready: false, restartCount: 4, image: "", imageID: "", state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 2, reason: Error}}}]}`,
			"CrashLoopBackOff, after exit status 2 (Error), restarted 4 times",
		},
		{"not yet", `{phase: Running, containerStatuses: [{name: agent, ready: false, restartCount: 0, image: "", imageID: "", state: {running: {}}}]}`, "its /readyz says no: its log tells why"},
		{"nothing is known", `{phase: Unknown}`, "it is Unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := whyNotReady(&corev1.Pod{Status: parsed[corev1.PodStatus](t, tt.status)}); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTagOf(t *testing.T) {
	for image, want := range map[string]string{
		"ghcr.io/tidelock-io/tidelock:v1.2.3": "v1.2.3", "localhost:5000/tidelock": "", "localhost:5000/tidelock:latest": "latest",
		"ghcr.io/tidelock-io/tidelock:v1@sha256:abc": "sha256:abc", "": "",
	} {
		if got := tagOf(image); got != want {
			t.Errorf("%s: got %q, want %q", image, got, want)
		}
	}
}

// A Lease holds for its term, and for as long as clocks may be apart.
func TestRenewed(t *testing.T) {
	now := time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)
	term := int32(15)
	for ago, want := range map[time.Duration]bool{0: true, 44 * time.Second: true, 46 * time.Second: false, -time.Minute: true} {
		l := &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{LeaseDurationSeconds: &term, RenewTime: &metav1.MicroTime{Time: now.Add(-ago)}}}
		if got := renewed(l, now); got != want {
			t.Errorf("renewed %s ago: %v", ago, got)
		}
	}
	if renewed(&coordinationv1.Lease{}, now) {
		t.Error("a Lease that says nothing holds")
	}
}

// What is said of several objects is said once.
func TestRemarks(t *testing.T) {
	r := remarks{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		r.add(name, "spec.x: odd")
	}
	r.add("b", "spec.a: odder")
	var a area
	r.say("Application", func(format string, args ...any) { a.warn("", format, args...) })
	var got []string
	for _, f := range a.findings {
		got = append(got, f.State+": "+f.Text)
	}
	want := "warning: Application b: spec.a: odder\nwarning: Application a, b, c, d, e and others: spec.x: odd"
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

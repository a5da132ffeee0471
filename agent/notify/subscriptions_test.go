package notify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/argoproj/notifications-engine/pkg/subscriptions"
	"sigs.k8s.io/yaml"
)

func annotations(t testing.TB, text string) map[string]string {
	t.Helper()
	var all map[string]string
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSubscriptions(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"none", `argocd.argoproj.io/refresh: hard`, ``},
		{"one recipient", `notifications.argoproj.io/subscribe.on-synced.slack: alerts`, `on-synced slack alerts`},
		{"several", `notifications.argoproj.io/subscribe.on-synced.email: "a@x.example; b@x.example;;"`, "on-synced email a@x.example\non-synced email b@x.example"},
		{"that needs no recipient", `notifications.argoproj.io/subscribe.on-synced.webhook: ""`, `on-synced webhook `},
		{"default triggers", `notifications.argoproj.io/subscribe.slack: alerts`, ` slack alerts`},
		{"nobody", `notifications.argoproj.io/subscribe.on-synced.slack: ";"`, ``},
		{"twice the same", "notifications.argoproj.io/subscribe.on-synced.slack: a;a", `on-synced slack a`},
		{
			"a list", `notifications.argoproj.io/subscriptions: '[{trigger: [on-synced, on-held], destinations: [{service: slack, recipients: [a, b]}, {service: hook}]}]'`,
			"on-held hook \non-held slack a\non-held slack b\non-synced hook \non-synced slack a\non-synced slack b",
		},
		{"a list without triggers", `notifications.argoproj.io/subscriptions: '[{destinations: [{service: slack, recipients: [a]}]}]'`, ` slack a`},
		{
			"a list without destinations", `notifications.argoproj.io/subscriptions: '[{trigger: [on-synced]}]'`,
			`annotation notifications.argoproj.io/subscriptions: [0] has no destinations`,
		},
		{
			"no list", `notifications.argoproj.io/subscriptions: slack`,
			`annotation notifications.argoproj.io/subscriptions: it is no list of trigger and destinations`,
		},
		{"the old form", `on-synced.recipients.argocd-notifications.argoproj.io: "slack:alerts, email:a@x.example,hook,"`, "on-synced email a@x.example\non-synced hook \non-synced slack alerts"},
		{"the old form, default triggers", `recipients.argocd-notifications.argoproj.io: slack:alerts`, ` slack alerts`},
		{"the old form without a service", `on-synced.recipients.argocd-notifications.argoproj.io: ":alerts"`, `annotation on-synced.recipients.argocd-notifications.argoproj.io: it names no service`},
		{"somebody else's", `myrecipients.argocd-notifications.argoproj.io: slack:alerts`, ``},
		{"no service", `notifications.argoproj.io/subscribe.: x`, `annotation notifications.argoproj.io/subscribe.: it names no service`},
		{"too many names", `notifications.argoproj.io/subscribe.a.b.c: x`, `neither a trigger nor a service has a dot in its name`},
		{"too long", `notifications.argoproj.io/subscriptions: "` + strings.Repeat("x", maxList+1) + `"`, `it is longer than 65536 bytes`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, mistakes := Subscriptions(annotations(t, tt.in))
			var lines []string
			for _, s := range all {
				lines = append(lines, fmt.Sprintf("%s %s %s", s.Trigger, s.Service, s.Recipient))
			}
			got := strings.Join(append(lines, mistakes...), "\n")
			if len(mistakes) == 0 && got != tt.want || len(mistakes) > 0 && (tt.want == "" || !strings.Contains(got, tt.want)) {
				t.Errorf("%s: got %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// TestAsTheEngine: what Argo CD reads from annotations that are as they should be, is
// read so here.
func TestAsTheEngine(t *testing.T) {
	all := annotations(t, `
notifications.argoproj.io/subscribe.on-synced.slack: a;b
notifications.argoproj.io/subscribe.on-held.email: "x@y.example; z@y.example"
notifications.argoproj.io/subscribe.hook: ""
notifications.argoproj.io/subscribe.other: me
notifications.argoproj.io/subscriptions: '[{trigger: [on-degraded], destinations: [{service: teams, recipients: [c]}]}]'
`)
	c := Compile(Source{ConfigMap: map[string]string{"defaultTriggers": "[on-drift]", "defaultTriggers.other": "[on-held, on-synced]"}})
	got, mistakes := c.Destinations(nil, all)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	want := subscriptions.NewAnnotations(all).GetDestinations(c.base.DefaultTriggers, c.base.ServiceDefaultTriggers)
	for trigger, to := range want {
		seen := map[destination]bool{}
		for _, d := range to {
			seen[d] = true
		}
		if len(seen) != len(got[trigger]) {
			t.Errorf("%s: got %v, the engine %v", trigger, got[trigger], to)
		}
		for _, d := range got[trigger] {
			if !seen[d] {
				t.Errorf("%s: %v is not the engine's", trigger, d)
			}
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v, the engine %v", got, want)
	}
}

func TestTooManyRecipients(t *testing.T) {
	var many []string
	for i := range maxRecipients + 20 {
		many = append(many, fmt.Sprint("r", i))
	}
	got, mistakes := Compile(Source{}).Destinations(nil, map[string]string{annotationOne + "on-synced.slack": strings.Join(many, ";")})
	if len(got["on-synced"]) != maxRecipients || len(mistakes) != 1 {
		t.Errorf("%d recipients, %v", len(got["on-synced"]), mistakes)
	}
}

func TestGlobalSubscriptions(t *testing.T) {
	c := Compile(Source{ConfigMap: map[string]string{
		"subscriptions":   "- {recipients: ['slack:ops', hook], triggers: [on-held], selector: 'tier=gold'}\n- {recipients: ['slack:all']}",
		"defaultTriggers": "[on-synced]",
	}})
	gold, _ := c.Destinations(map[string]string{"tier": "gold"})
	plain, _ := c.Destinations(nil)
	if got := fmt.Sprint(gold); got != "map[on-held:[{hook } {slack ops}] on-synced:[{slack all}]]" {
		t.Error(got)
	}
	if got := fmt.Sprint(plain); got != "map[on-synced:[{slack all}]]" {
		t.Error(got)
	}
}

func FuzzSubscriptions(f *testing.F) {
	f.Add("notifications.argoproj.io/subscribe.on-synced.slack", "a;b")
	f.Add("notifications.argoproj.io/subscriptions", "[{trigger: [a], destinations: [{service: b, recipients: [c]}]}]")
	f.Add("notifications.argoproj.io/subscriptions", "- destinations:\n  - {}")
	f.Fuzz(func(t *testing.T, name, value string) {
		all, mistakes := Subscriptions(map[string]string{name: value})
		if len(all)+len(mistakes) > 0 && !Subscribes(map[string]string{name: value}) {
			t.Error("it subscribes, and does not seem to")
		}
		for i, s := range all {
			if s.Service == "" {
				t.Errorf("%q: %q subscribes to no service", name, value)
			}
			if i > 0 && s == all[i-1] {
				t.Errorf("%q: %q subscribes twice", name, value)
			}
		}
	})
}

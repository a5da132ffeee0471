package notify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tidelock-io/tidelock/agent/api"
)

// TestSelfService: a namespace's own configuration counts beside the administrator's, for
// the same subscriptions; each tells once, and what one lacks and the other has is no
// mistake.
func TestSelfService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		subscribed := "metadata: {annotations: {notifications.argoproj.io/subscribe.on-synced.hook: '', notifications.argoproj.io/subscribe.on-synced.mine: '', notifications.argoproj.io/subscribe.on-own.mine: '', notifications.argoproj.io/subscribe.on-synced.nobody: ''}}\n"
		s.set(t, subscribed)
		b := start(t, s)
		running(b)
		own := map[string]string{
			"service.webhook.mine": "url: http://127.0.0.1:1", "template.own": "message: ours, {{.context.who}}, {{.secrets}}", "context": "who: team",
			"trigger.on-own":    "[{when: \"app.status.operationState?.phase == 'Succeeded'\", send: [own]}]",
			"trigger.on-synced": "[{when: \"app.status.operationState?.phase == 'Succeeded'\", send: [own]}]",
		}
		version := "1"
		b.Own = func(namespace string) (Source, string) {
			if namespace != "argocd" || own == nil {
				return Source{}, ""
			}
			return Source{ConfigMap: own, Secret: secret("k", "hunter2")}, version
		}
		check(t, b.look(), "")
		succeeded := strings.Replace(phase("Succeeded", "12:00:00"), state(""), subscribed, 1)
		got := b.see(s.set(t, succeeded))
		for text, times := range map[string]int{
			"Application shop was synced.": 1, "delivered on-synced hook true": 1, "delivered on-synced mine true": 1, "delivered on-own mine true": 1,
			"ours, team, <no value>": 2, `there is no service "nobody"`: 1, `no trigger`: 0, `no service "mine"`: 0, `no service "hook"`: 0, "hunter2": 0,
		} {
			if n := strings.Count(got, text); n != times {
				t.Errorf("%q stands %d times, want %d, in\n%s", text, n, times, got)
			}
		}
		check(t, b.look(), "")
		if notified := s.app.Annotations[api.AnnotationNotified]; strings.Count(notified, `"argocd:on-`) != 2 || s.patches != 1 {
			t.Errorf("it notes %s, in %d writes", notified, s.patches)
		}
		own, version = nil, "" // it is taken away
		if got := b.look(); !strings.Contains(got, `no service "mine"`) || !strings.Contains(got, `no trigger "on-own"`) || strings.Contains(got, "delivered") {
			t.Errorf("without it: %s", got)
		}
		check(t, b.see(s.set(t, strings.Replace(succeeded, "12:00:0", "12:10:0", 5))), "Application shop was synced.\ndelivered on-synced hook true")
	})
}

// TestLanes: a namespace with services of its own holds up neither the administrator's nor
// another's, of whatever names, and has few messages wait.
func TestLanes(t *testing.T) {
	admin, a, b := Compile(Source{}), Compile(Source{Namespace: "a"}), Compile(Source{Namespace: "b"})
	to := func(c *Config, service string) *letter {
		return &letter{Message: Message{To: destination{Service: service}}, config: c}
	}
	for _, tt := range []struct {
		one, other *letter
		same       bool
	}{
		{to(admin, "slack"), to(admin, "slack"), true}, {to(admin, "slack"), to(admin, "email"), false},
		{to(admin, "slack"), to(a, "slack"), false}, {to(a, "slack"), to(b, "slack"), false}, {to(a, "slack"), to(a, "email"), true},
	} {
		if same := tt.one.lane() == tt.other.lane(); same != tt.same {
			t.Errorf("%q and %q", tt.one.lane(), tt.other.lane())
		}
	}
	crowded := 0
	p := newPost(func(context.Context, *letter) error { return nil }, func(_ *letter, err error) {
		if errors.Is(err, errCrowded) {
			crowded++
		}
	})
	for range maxOwn + 5 {
		p.add(to(a, "slack"))
	}
	p.add(to(admin, "slack"))
	if crowded != 5 {
		t.Errorf("%d have no room", crowded)
	}
}

// TestAsThePod: what would log in as the agent's pod is the administrator's alone.
func TestAsThePod(t *testing.T) {
	config := map[string]string{"service.awssqs": "region: eu-west-1\nqueue: q\naccount: '1'", "service.gcppubsub.x": "project: p", "service.webhook.w": "url: http://127.0.0.1:1"}
	own := Compile(Source{ConfigMap: config, Namespace: "team"})
	if got := own.Services(); len(got) != 1 || len(own.Mistakes) != 2 || !strings.Contains(own.Mistakes[0].Error(), "may log in as the agent's pod") {
		t.Errorf("it has services %v, and mistakes %v", got, own.Mistakes)
	}
	if got := Compile(Source{ConfigMap: config}).Services(); len(got) < 2 {
		t.Errorf("the administrator's are %v", got)
	}
}

package notify

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/secrets"
)

// TestMistakes: each wrong entry is named, and does no harm to others.
func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ key, value, want string }{
		{"service.slack", "token: [", "service.slack: yaml:"},
		{"service.slack", "token: $nothing", "service.slack: it refers to $nothing, which Secret argocd-notifications-secret does not have"},
		{"service.pigeon", "{}", "service.pigeon: service type 'pigeon' is not supported"},
		{"service.a.b.c", "{}", "service.a.b.c: name it service.TYPE or service.TYPE.NAME"},
		{"service.webhook.x", "url: ftp://example.com", "service.webhook.x: url: give one that begins with https:// or http://"},
		{"service.webhook.x", "{}", "service.webhook.x: url: give one"},
		{"service.teams", "recipientUrls: 3", "service.teams: "},
		{"template.x", "message: '{{.app'", "template.x: template: x:1"},
		{"template.x", "message: '{{nothing 1}}'", `template.x: template: x:1: function "nothing" not defined`},
		{"template.x", "message: '{{env \"HOME\"}}'", `function "env" not defined`},
		{"trigger.x", "[{when: 'app. ==', send: []}]", "trigger.x: [0].when: "},
		{"trigger.x", "[{when: 'true', oncePer: '((', send: []}]", "trigger.x: [0].oncePer: "},
		{"trigger.x", "[{when: 'true', send: [nothing]}]", "trigger.x: it sends template nothing, which there is not"},
		{"trigger.x", "when", "trigger.x: "},
		{"subscriptions", "- selector: '=='", "subscriptions: "},
		{"defaultTriggers", "{", "defaultTriggers: "},
		{"context", "[a]", "context: "},
		{"config.yaml", "triggers: []", "config.yaml: this form is no longer read"},
		{"tigger.x", "[]", "tigger.x: it has no effect: entries are service.*"},
	} {
		t.Run(tt.key+" "+tt.value, func(t *testing.T) {
			c := Compile(Source{ConfigMap: map[string]string{tt.key: tt.value, "template.good": "message: good", "service.webhook.good": "url: https://example.com/$token"}, Secret: secret("token", "sesame-street")})
			if len(c.Mistakes) != 1 || !strings.Contains(c.Mistakes[0].Error(), tt.want) {
				t.Fatalf("got %v, want %q", c.Mistakes, tt.want)
			}
			if _, ok := c.formats["good"]; !ok || c.services["good"] == nil || c.triggers["on-synced"] == nil {
				t.Error("it has done harm to others")
			}
		})
	}
}

// TestInsertSecrets: texts refer to the Secret, wherever they are; numbers and names do
// not.
func TestInsertSecrets(t *testing.T) {
	plain := map[string][]byte{"a": []byte("x: y"), "b-c_d": []byte("2")}
	out, missing, err := insertSecrets("url: https://h/$a/$b-c_d?n=$none\nlist: [$a, 5, true]\n$a: v\n", plain)
	if err != nil {
		t.Fatal(err)
	}
	check(t, string(out), "url: 'https://h/x: y/2?n=$none'\nlist: ['x: y', 5, true]\n'x: y': v")
	if fmt.Sprint(missing) != "[$none]" {
		t.Error(missing)
	}
}

// TestClean: what a failure says is told without what may be secret.
func TestClean(t *testing.T) {
	c := Compile(Source{Secret: map[string]secrets.Value{"token": secrets.New([]byte("sesame-street")), "short": secrets.New([]byte("ab"))}})
	for _, tt := range []struct{ in, want string }{
		{`Post "https://hooks.example/services/T0/B0/abcdef?x=y": dial tcp: refused`, `Post "https://hooks.example": dial tcp: refused`},
		{"https://me:pass/word@x.example/y and xmpp://u@h:5/p", "https://me:pass and xmpp://h:5"},
		{"token sesame-street is wrong", "token (hidden) is wrong"},
		{"c2VzYW1lLXN0cmVldA in base64", "(hidden) in base64"},
		{"ab a b", "ab a b"},
		{"a\r\nlevel=error forged\x1b[0m", "a  level=error forged [0m"},
		{strings.Repeat("x", 2*maxError), strings.Repeat("x", maxError) + "…"},
	} {
		check(t, c.Clean(tt.in), tt.want)
	}
	if err := c.clean(fmt.Errorf("at https://h.example/t0ken: %w", errors.New("no"))); err.Error() != "at https://h.example no" && err.Error() != "at https://h.example: no" {
		t.Error(err)
	}
	if c.clean(nil) != nil {
		t.Error("nothing is an error")
	}
}

// TestRenderFails: a template that goes wrong is an error, and no more.
func TestRenderFails(t *testing.T) {
	c := Compile(Source{
		ConfigMap: map[string]string{
			"template.missing": "message: '{{.app.metadata.name.more}}'",
			"template.panics":  "message: '{{call .time.Parse \"never\"}}'",
			"template.large":   "message: '{{repeat 300000 \"x\"}}'",
			"template.secret":  "message: '{{fail (toString .secrets.token)}}'",
			"template.asks":    "message: '{{toString .secrets.token}}'",
		},
		Secret: secret("token", "sesame-street"),
	})
	if len(c.Mistakes) > 0 {
		t.Fatal(c.Mistakes)
	}
	all := vars(t, c, Moment{App: application(t, "{}")})
	for name, want := range map[string]string{
		"missing": "can't evaluate field more", "panics": "cannot parse", "large": "make 300", "secret": "(hidden)", "nothing": "template 'nothing' is not supported",
	} {
		n, err := c.Render(t.Context(), all, destination{Service: "x"}, []string{name})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: got %v, %v, want %q", name, n, err, want)
		}
	}
	n, err := c.Render(t.Context(), all, destination{Service: "x"}, []string{"asks"})
	if err != nil || n.Message != "sesame-street" {
		t.Error("a template that asks for it gets the Secret's value:", n, err)
	}
}

// FuzzCompile: whatever a ConfigMap holds, it is read, and ours is there.
func FuzzCompile(f *testing.F) {
	f.Add("trigger.x", "[{when: 'true', send: [tidelock-synced]}]")
	f.Add("template.x", "message: '{{.app}}'")
	f.Add("service.webhook.x", "url: $token")
	f.Add("service.email", "port: x")
	f.Add("subscriptions", "- {recipients: ['a:b'], selector: a=b}")
	f.Add("context", "a: b")
	f.Fuzz(func(t *testing.T, key, value string) {
		c := Compile(Source{ConfigMap: map[string]string{key: value}, Secret: secret("token", "sesame-street")})
		if _, theirs := c.base.Triggers["on-synced"]; !theirs {
			t.Error("on-synced is gone")
		}
		for _, err := range c.Mistakes {
			if strings.Contains(err.Error(), "sesame") {
				t.Error(err)
			}
		}
	})
}

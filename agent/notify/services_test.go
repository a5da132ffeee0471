package notify

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/tidelock-io/tidelock/agent/notify/notifytest"
)

// receivers are real servers.
func receivers(t *testing.T) (*notifytest.WebServer, *notifytest.MailServer) {
	t.Helper()
	web := notifytest.StartWeb()
	t.Cleanup(web.Close)
	mail, err := notifytest.StartMail("robot", "mail-canary-2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mail.Close() })
	return web, mail
}

// TestReceivers: a set-up of Argo CD's reaches Slack, Teams, mail and webhooks.
func TestReceivers(t *testing.T) {
	web, mail := receivers(t)
	c := catalog(t, web.URL, strconv.Itoa(mail.Port))
	all := vars(t, c, Moment{App: application(t, deployed)})
	for _, to := range []destination{{Service: "slack", Recipient: "alerts"}, {Service: "teams", Recipient: "ops"}, {Service: "email", Recipient: "team@x.example, boss@x.example"}, {Service: "github"}, {Service: "plain"}} {
		if err := c.Send(t.Context(), all, to, []string{"deployed", "status"}); err != nil {
			t.Errorf("%s: %v", to.Service, err)
		}
	}
	slack := web.Requests("/slack/chat.postMessage")
	if len(slack) != 1 || !strings.Contains(slack[0].Body, "channel=alerts") || !strings.Contains(slack[0].Body, "white_check_mark") || !strings.Contains(slack[0].Body, "SharedResourceWarning") {
		t.Errorf("Slack: %+v", slack)
	}
	teams := web.Requests("/teams/teams-canary-3")
	var card map[string]any
	if len(teams) != 1 || json.Unmarshal([]byte(teams[0].Body), &card) != nil || card["title"] != "shop is deployed" {
		t.Errorf("Teams: %+v", teams)
	}
	mails := mail.Mails()
	if len(mails) != 1 || !mails[0].TLS || mails[0].From != "robot@cd.example" || len(mails[0].To) != 2 ||
		!strings.Contains(mails[0].Text, "Subject: shop runs in eu") || !strings.Contains(mails[0].Text, "shop was synced at 2026-11-24T11:00:05Z.") {
		t.Errorf("mail: %+v", mails)
	}
	github := web.Requests("/github/repos/team/shop/statuses/" + second)
	if len(github) != 1 || github[0].Method != http.MethodPost || github[0].Header.Get("Authorization") != "token ghp-canary-4" || github[0].Header.Get("X-Plain") != "as it is" ||
		strings.TrimSpace(github[0].Body) != `{"state": "success", "context": "eu"}` {
		t.Errorf("webhook: %+v", github)
	}
	plain := web.Requests("/plain/plain-canary-5")
	if len(plain) != 1 || plain[0].Method != http.MethodGet || !strings.Contains(plain[0].Body, "SHOP runs 2222222 of team/shop, see https://git.example/team/shop.git") ||
		plain[0].Header.Get("Authorization") != "Basic cm9ib3Q6bWFpbC1jYW5hcnktMg==" {
		t.Errorf("webhook without a template of its own: %+v", plain)
	}
}

// TestRefusals: what goes wrong is told without what is secret, and whether it may be
// tried again.
func TestRefusals(t *testing.T) {
	web, mail := receivers(t)
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close() // nobody listens there
	for _, tt := range []struct {
		name, web, mailPort string
		to                  destination
		want                string
		again               bool
	}{
		{"a webhook that fails", web.URL, "1", destination{Service: "plain"}, "the receiver answers 503 Service Unavailable: not now", true},
		{"a webhook that is not there", away.URL, "1", destination{Service: "plain"}, "connection refused", true},
		{"Teams that fails", web.URL, "1", destination{Service: "teams", Recipient: "ops"}, "not now", true},
		{"Teams that is not there", away.URL, "1", destination{Service: "teams", Recipient: "ops"}, "connection refused", true},
		{"Slack that is not there", away.URL, "1", destination{Service: "slack", Recipient: "x"}, "connection refused", true},
		{"a recipient of Teams that nobody knows", web.URL, "1", destination{Service: "teams", Recipient: "nobody"}, "nobody", true},
		{"no mail server", web.URL, "1", destination{Service: "email", Recipient: "a@x.example"}, "connection refused", true},
		{"no recipient", web.URL, strconv.Itoa(mail.Port), destination{Service: "email", Recipient: "not an address"}, "not an address", true},
		{"no such service", web.URL, "1", destination{Service: "pigeon"}, "there is no service pigeon any more", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			quiet()
			web.Fail("/plain/plain-canary-5", 1)
			web.Fail("/teams/teams-canary-3", 1)
			c := catalog(t, tt.web, tt.mailPort)
			s := sender{timeout: time.Minute}
			err := s.send(t.Context(), &letter{Message: Message{To: tt.to, Templates: []string{"created"}, Vars: vars(t, c, Moment{App: application(t, "{}")})}, config: c})
			if err == nil {
				t.Fatal("it was sent")
			}
			text := c.Clean(err.Error())
			if !strings.Contains(text, tt.want) || strings.Contains(text, "canary") {
				t.Errorf("got %s, want %s", text, tt.want)
			}
			if again(err) != tt.again {
				t.Errorf("tried again: %v, want %v: %v", again(err), tt.again, err)
			}
		})
	}
}

// TestWrongPassword: the server's answer is told, and no password.
func TestWrongPassword(t *testing.T) {
	mail, err := notifytest.StartMail("robot", "another")
	if err != nil {
		t.Fatal(err)
	}
	defer mail.Close()
	c := catalog(t, "http://127.0.0.1:1", strconv.Itoa(mail.Port))
	err = c.Send(t.Context(), vars(t, c, Moment{App: application(t, "{}")}), destination{Service: "email", Recipient: "a@x.example"}, []string{"created"})
	if err == nil || !strings.Contains(err.Error(), "wrong user or password") || strings.Contains(err.Error(), "canary") || len(mail.Mails()) > 0 {
		t.Error(err)
	}
}

// TestRedirections are followed within a host only, with what the headers say.
func TestRedirections(t *testing.T) {
	other := notifytest.StartWeb()
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/stolen", http.StatusTemporaryRedirect)
		case "/near":
			http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
		}
	}))
	defer server.Close()
	send := func(path string) error {
		service, err := newWebhook([]byte("url: " + server.URL + path + "\nheaders: [{name: X-Token, value: secret}]"))
		if err != nil {
			t.Fatal(err)
		}
		return service.Send(services.Notification{Message: "m"}, destination{})
	}
	if err := send("/near"); err != nil {
		t.Error(err)
	}
	if err := send("/away"); err == nil || again(err) || len(other.Requests("/stolen")) > 0 {
		t.Errorf("it was followed: %v", err)
	}
}

// TestSilentReceiver: who does not answer holds up nobody for ever, is not asked again,
// and is left alone after some that have not come back.
func TestSilentReceiver(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := catalog(t, "http://"+listener.Addr().String(), "1")
	s := sender{timeout: 10 * time.Millisecond}
	n := &services.Notification{Message: "m"}
	for range maxHanging {
		if err := s.deliver(t.Context(), c, n, destination{Service: "teams", Recipient: "ops"}, "teams"); err == nil || again(err) {
			t.Fatalf("got %v", err)
		}
	}
	err = s.deliver(t.Context(), c, n, destination{Service: "teams", Recipient: "ops"}, "teams")
	if err == nil || !strings.Contains(err.Error(), "4 sends before have not come back yet") {
		t.Errorf("got %v", err)
	}
}

// panicking is a service whose library panics.
type panicking struct{}

func (panicking) Send(services.Notification, destination) error { panic("hunter2") }

func TestPanic(t *testing.T) {
	c := Compile(Source{})
	c.services["x"] = panicking{}
	err := (&sender{timeout: time.Minute}).deliver(context.Background(), c, &services.Notification{}, destination{Service: "x"}, "x")
	if err == nil || again(err) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

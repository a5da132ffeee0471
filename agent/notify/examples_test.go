package notify

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets"
	"sigs.k8s.io/yaml"
)

// example reads a file of examples/notifications.
func example(t *testing.T, name string, into any, replace ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "notifications", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(strings.NewReplacer(replace...).Replace(string(text))), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// TestExample: the set-up of examples/notifications tells whom it says, if the servers
// are those of the test.
func TestExample(t *testing.T) {
	web, mail := receivers(t)
	var config, secret struct {
		APIVersion, Kind string
		Metadata         any
		Data, StringData map[string]string
	}
	example(t, "argocd-notifications-cm.yaml", &config,
		"token: $slack-token", "token: $slack-token\n    apiURL: "+web.URL+"/slack/",
		"smtp.example.com", mail.Host, "587", strconv.Itoa(mail.Port), "from: tidelock", "insecure_skip_verify: true\n    from: tidelock",
		"https://pager.example.com", web.URL+"/pager",
	)
	example(t, "argocd-notifications-secret.yaml", &secret,
		"<the address of the channel's webhook>", web.URL+"/teams/channel", "<the password>", mail.Password, "<the token>", "page-me", "<who sends>", "robot")
	app := &api.Application{}
	example(t, "application.yaml", app)
	app.Status = application(t, "status:"+history+operation(second, "Failed", "message: it went wrong\n"+automatedAt+`syncResult: {revision: "`+second+`"}`)).Status
	source := Source{ConfigMap: config.Data, Secret: map[string]secrets.Value{}}
	for key, value := range secret.StringData {
		source.Secret[key] = secrets.New([]byte(value))
	}
	c := Compile(source)
	if len(c.Mistakes) > 0 {
		t.Fatal(c.Mistakes)
	}
	to, mistakes := c.Destinations(app.Labels, app.Annotations)
	if len(mistakes) > 0 || len(to) != 7 {
		t.Fatalf("%v, %d triggers", mistakes, len(to))
	}
	all := vars(t, c, Moment{App: app})
	for name, recipients := range to {
		if c.Trigger(name) == nil {
			t.Errorf("there is no trigger %s", name)
			continue
		}
		for _, condition := range c.Trigger(name).Conditions() {
			for _, recipient := range recipients {
				if err := c.Send(t.Context(), all, recipient, condition.Send); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	if slack := web.Requests("/slack/chat.postMessage"); len(slack) != 3 { // synced, opened, held
		t.Errorf("Slack was told %d times", len(slack))
	}
	if teams := web.Requests("/teams/channel"); len(teams) != 1 || !strings.Contains(teams[0].Body, "shop is Degraded") {
		t.Errorf("Teams: %+v", teams)
	}
	if mails := mail.Mails(); len(mails) != 5 { // drift found and healed, to two; rotated
		t.Errorf("%d mails", len(mails))
	}
	pager := web.Requests("/pager/v1/events")
	if len(pager) != 1 || pager[0].Header.Get("Authorization") != "Bearer page-me" ||
		strings.TrimSpace(pager[0].Body) != `{"source": "shop", "event": "Failed", "text": "- it went wrong", "by": "the agent, as spec.syncPolicy.automated says"}` {
		t.Errorf("the pager: %+v", pager)
	}
}

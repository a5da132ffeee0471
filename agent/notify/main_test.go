package notify

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/notifications-engine/pkg/triggers"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets"
	"sigs.k8s.io/yaml"
)

func newEngineTriggers(name string, conditions []condition) (triggers.Service, error) {
	return triggers.NewService(map[string][]condition{name: conditions})
}

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// application reads one, written short.
func application(t testing.TB, text string) *api.Application {
	t.Helper()
	app := &api.Application{}
	app.Namespace, app.Name, app.ResourceVersion, app.UID = "argocd", "shop", "1", "u1"
	app.Spec.Source = &api.Source{RepoURL: "https://git.example/team/shop.git", Path: "web"}
	if err := yaml.UnmarshalStrict([]byte(text), app); err != nil {
		t.Fatal(err)
	}
	return app
}

// configMap reads the data of a ConfigMap.
func configMap(t testing.TB, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		Data map[string]string `json:"data"`
	}
	if err := yaml.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	return object.Data
}

func secret(pairs ...string) map[string]secrets.Value {
	all := map[string]secrets.Value{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = secrets.New([]byte(pairs[i+1]))
	}
	return all
}

// jane describes every commit.
func jane(_ context.Context, _ *api.Application, _, sha string) (Commit, error) {
	return Commit{Message: "raise the limit of " + sha[:3] + "\n\nat length", Author: "Jane <jane@example.com>", Date: now, Tags: []string{"v1"}}, nil
}

func vars(t testing.TB, c *Config, m Moment) map[string]any {
	t.Helper()
	if m.Commit == nil {
		m.Commit = jane
	}
	all, err := c.Vars(m)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func check(t *testing.T, got, want string) {
	t.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// held lists the triggers that hold, with their conditions.
func held(c *Config, vars map[string]any) (all []string) {
	for name, t := range c.triggers {
		results, _ := t.Run(vars)
		for i, r := range results {
			if r.Triggered {
				all = append(all, fmt.Sprintf("%s[%d]", name, i))
			}
		}
	}
	return all
}

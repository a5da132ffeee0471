package reconcile

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/window"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A shelf is a Store of Applications that nobody writes to, all of the default
// project.
type shelf map[string]*api.Application

func (s shelf) Application(namespace, name string) *api.Application { return s[namespace+"/"+name] }

func (s shelf) List() (all []*api.Application) {
	for _, app := range s {
		all = append(all, app)
	}
	return all
}

func (s shelf) Project(string) (*api.AppProject, error) { return project.Default(), nil }
func (s shelf) Rules(string) (*project.Rules, error) {
	return project.New(project.Default(), project.Scoped{})
}
func (s shelf) Windows(string) (*window.Schedule, error) { return window.Compile(nil) }
func (s shelf) Patch(context.Context, string, string, []byte) (*api.Application, error) {
	return nil, errors.New("nobody writes")
}

// appIn is an Application of the repository r, with the rest of it in YAML.
func appIn(t *testing.T, name, rest string) *api.Application {
	t.Helper()
	app := read[api.Application](t, `{metadata: {}, spec: {project: default, source: {repoURL: r}, destination: {server: "https://kubernetes.default.svc", namespace: shop}}}`)
	for line := range strings.Lines(rest) {
		switch field, value, _ := strings.Cut(strings.TrimSpace(line), ": "); field {
		case "annotations":
			app.Annotations = *read[map[string]string](t, value)
		case "status":
			app.Status = *read[api.ApplicationStatus](t, value)
		case "policy":
			app.Spec.SyncPolicy = read[api.SyncPolicy](t, value)
		case "deleted":
			app.DeletionTimestamp = &metav1.Time{Time: at}
		}
	}
	app.Namespace, app.Name = "argocd", name
	return app
}

// among puts the pass's Application on a shelf with others.
func (p *pass) among(others ...*api.Application) {
	s := shelf{p.app.Namespace + "/" + p.app.Name: p.app}
	for _, app := range others {
		s[app.Namespace+"/"+app.Name] = app
	}
	p.r.Store = s
}

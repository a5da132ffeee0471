package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/project"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A lister lists objects of a namespace, or of all of them if that is "", and keeps those
// of namespaces that are looked at.
type lister func(namespace string, looked func(namespace string) bool) error

// readApplications and readSets read those of the agent's namespace, and of the others
// that it looks at.
func (t *there) readApplications(ctx context.Context, c *checker) {
	t.missingApps, t.noApps = t.readLooked(c.namespace, install.ApplicationsFlag, func(namespace string, looked func(string) bool) error {
		list := &api.ApplicationList{}
		err := c.client.Get().Namespace(namespace).Resource(api.ApplicationResource).Do(ctx).Into(list)
		for _, app := range list.Items {
			if looked(app.Namespace) {
				t.apps = append(t.apps, app)
			}
		}
		return err
	})
}

func (t *there) readSets(ctx context.Context, c *checker) {
	t.missingSets, t.noSets = t.readLooked(c.namespace, install.SetsFlag, func(namespace string, looked func(string) bool) error {
		list := &api.ApplicationSetList{}
		err := c.client.Get().Namespace(namespace).Resource(api.ApplicationSetResource).Do(ctx).Into(list)
		for _, set := range list.Items {
			if looked(set.Namespace) {
				t.appSets = append(t.appSets, set)
			}
		}
		return err
	})
}

// readLooked lists in the agent's namespace, and in those that a flag of its names. Who may
// not list in all lists in each that is named by its name; missing are the others.
func (t *there) readLooked(own, flag string, list lister) (missing []string, err error) {
	patterns, _ := t.flags.GetStringSlice(flag)
	elsewhere, wrong := project.NewNamespaces(patterns)
	looked := func(namespace string) bool { return namespace == own || elsewhere.Has(namespace) }
	if wrong != nil || elsewhere.None() { // what is wrong is told of the settings
		return nil, list(own, looked)
	}
	if err := list(metav1.NamespaceAll, looked); !apierrors.IsForbidden(err) {
		return nil, err
	}
	for _, pattern := range patterns {
		if pattern != own && (strings.ContainsAny(pattern, `*?[]{}\/`) || list(pattern, looked) != nil) {
			missing = append(missing, pattern)
		}
	}
	return missing, list(own, looked)
}

// named is what an object is called: one of another namespace than the agent's with that.
func (c *checker) named(o metav1.Object) string {
	if o.GetNamespace() == "" || o.GetNamespace() == c.namespace {
		return o.GetName()
	}
	return o.GetNamespace() + "/" + o.GetName()
}

var errNotYours = errors.New("you may not list them")

// lookElsewhere says what of other namespaces was not looked at, and which of their
// Applications their projects do not permit.
func (c *checker) lookElsewhere(a *area) {
	if len(c.missingApps) > 0 {
		a.unread("Applications of namespaces "+listedNames(c.missingApps), errNotYours)
	}
	if len(c.missingSets) > 0 {
		a.unread("ApplicationSets of namespaces "+listedNames(c.missingSets), errNotYours)
	}
	refused := remarks{}
	for i := range c.apps {
		app := &c.apps[i]
		j := slices.IndexFunc(c.appProjects, func(p api.AppProject) bool { return p.Name == app.Spec.ProjectName() })
		if j < 0 {
			continue // it is told that there is none
		}
		rules, err := project.New(&c.appProjects[j], project.Scoped{})
		if err != nil {
			continue // that is told, too
		}
		if v := rules.Namespace(app.Namespace, c.namespace); !v.Allowed {
			refused.add(c.named(app), v.Reason)
		}
	}
	refused.say("Application", func(format string, args ...any) { a.wrong("nothing of the Application is synced", format, args...) })
}

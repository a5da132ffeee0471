package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	kjson "sigs.k8s.io/json"
)

// home is the namespace of the agent that works on an Application, where its
// AppProject and the keys are.
func (r *remote) home(app *api.Application) string {
	if namespace := app.Status.ControllerNamespace; namespace != "" {
		return namespace
	}
	return r.namespace
}

// projectOf reads the AppProject of an Application.
func (r *remote) projectOf(ctx context.Context, app *api.Application) (*api.AppProject, error) {
	return r.project(ctx, r.home(app), app.Spec.ProjectName())
}

// project reads an AppProject.
func (r *remote) project(ctx context.Context, namespace, name string) (*api.AppProject, error) {
	p := &api.AppProject{}
	err := r.client.Get().Namespace(namespace).Resource("appprojects").Name(name).Do(ctx).Into(p)
	doing := fmt.Sprintf("read AppProject %s/%s", namespace, name)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%s: there is none (hint: kubectl get appprojects -n %s)", doing, namespace)
	case err != nil:
		return nil, r.explain(ctx, doing, name, err)
	}
	return p, nil
}

// projects reads AppProjects by name, or all of the agent's namespace.
func (r *remote) projects(ctx context.Context, names []string) ([]*api.AppProject, error) {
	var all []*api.AppProject
	for _, name := range names {
		p, err := r.project(ctx, r.namespace, name)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(names) > 0 {
		return all, nil
	}
	list := &api.AppProjectList{}
	if err := r.client.Get().Namespace(r.namespace).Resource("appprojects").Do(ctx).Into(list); err != nil {
		return nil, r.explain(ctx, "list AppProjects in namespace "+r.namespace, "", err)
	}
	for i := range list.Items {
		all = append(all, &list.Items[i])
	}
	return all, nil
}

// completeProjects offers the names of AppProjects, after so many other arguments.
func (c *console) completeProjects(after int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) < after {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		r, err := c.connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		projects, err := r.projects(ctx, nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []cobra.Completion
		for _, p := range projects {
			if !slices.Contains(args, p.Name) {
				names = append(names, cobra.CompletionWithDesc(p.Name, oneLine(p.Spec.Description)))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// readProjects reads AppProjects and Applications of files, and leaves out the
// projects that are not named, if any are.
func readProjects(files, names []string, talk io.Writer) (projects []*api.AppProject, apps []*api.Application, err error) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, fmt.Errorf("read AppProjects: %w", err)
		}
		set, err := manifest.Parse(text, manifest.Origin{File: file})
		if err != nil {
			return nil, nil, err
		}
		for _, o := range set {
			switch {
			case o.Key.Group != api.Group:
			case o.Key.Kind == api.AppProjectKind:
				p, err := projectIn(o, talk)
				if err != nil {
					return nil, nil, err
				}
				projects = append(projects, p)
			case o.Key.Kind == "Application":
				app, err := applicationOf(o, talk)
				if err != nil {
					return nil, nil, err
				}
				apps = append(apps, app)
			}
		}
	}
	if len(projects) == 0 {
		return nil, nil, fmt.Errorf("there is no AppProject in %v", files)
	}
	return named(projects, names, apps)
}

func named(projects []*api.AppProject, names []string, apps []*api.Application) ([]*api.AppProject, []*api.Application, error) {
	if len(names) == 0 {
		return projects, apps, nil
	}
	var chosen []*api.AppProject
	for _, name := range names {
		i := slices.IndexFunc(projects, func(p *api.AppProject) bool { return p.Name == name })
		if i < 0 {
			return nil, nil, fmt.Errorf("the files hold no AppProject %s", name)
		}
		chosen = append(chosen, projects[i])
	}
	return chosen, apps, nil
}

// projectIn decodes an AppProject. A field that none has is a warning, as the API
// server would prune it.
func projectIn(o *manifest.Object, talk io.Writer) (*api.AppProject, error) {
	p := &api.AppProject{}
	unknown, err := kjson.UnmarshalStrict(o.JSON(), p)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", o.Origin, o.Key, err)
	}
	for _, u := range unknown {
		fmt.Fprintf(talk, "warning: %s: %s: %v\n", o.Origin, o.Key, u)
	}
	return p, nil
}

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/render/overlay"
)

// projectFile is where init writes an AppProject.
func (o *initOptions) projectFile() string { return path.Join("argocd", "project-"+o.Project+".yaml") }

// admit lets the AppProject that was there before permit the new Applications: one that
// its own project refuses would be no beginning. It says whether the file was, or would
// be, changed.
func (o *initOptions) admit(talk io.Writer) (bool, error) {
	root, err := os.OpenRoot(o.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // a dry run of a new directory
	}
	if err != nil {
		return false, err
	}
	defer root.Close()
	old, err := root.ReadFile(o.projectFile())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // so is this one of a new repository
	}
	if err != nil {
		return false, err
	}
	text := old
	for _, environment := range o.Environments {
		text = o.admitted(text, environment, talk)
	}
	if string(text) == string(old) {
		return false, nil
	}
	if o.dryRun {
		return true, nil
	}
	return true, root.WriteFile(o.projectFile(), text, 0o644)
}

// admitted is an AppProject that permits the Application of an environment, if that can
// be done by adding to its lists. A denial is left as it is, and told.
func (o *initOptions) admitted(text []byte, environment string, talk io.Writer) []byte {
	to := api.Destination{Server: api.InClusterServer, Namespace: o.App + "-" + environment}
	for _, part := range []struct {
		list    string
		item    overlay.Item
		permits func(*project.Rules) project.Verdict
	}{
		{"spec.sourceRepos", overlay.Item{{"", o.URL}}, func(r *project.Rules) project.Verdict { return r.Source(o.URL) }},
		{"spec.destinations", overlay.Item{{"server", api.InClusterServer}, {"namespace", "*-" + environment}}, func(r *project.Rules) project.Verdict {
			return r.Destination(to, to.Namespace)
		}},
	} {
		before := judged(text, part.permits)
		if before == "" {
			continue
		}
		path, err := overlay.ParsePath(part.list)
		if err == nil {
			var with []byte
			if with, err = path.Append(text, part.item); err == nil && judged(with, part.permits) == "" {
				text = with
				continue
			}
		}
		fmt.Fprintf(talk, "warning: %s does not permit what the Application %s-%s states: %s\n", o.projectFile(), o.App, environment, before)
	}
	return text
}

// judged is why an AppProject does not permit something, "" if it does.
func judged(text []byte, permits func(*project.Rules) project.Verdict) string {
	p := &api.AppProject{}
	if err := yaml.Unmarshal(text, p); err != nil {
		return err.Error()
	}
	rules, err := project.New(p, project.Scoped{})
	if err != nil {
		return err.Error()
	}
	if v := permits(rules); !v.Allowed {
		return v.Reason
	}
	return ""
}

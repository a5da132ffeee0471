package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/window"
)

// lookObjects looks at what people have written, of all kinds that the agent reads.
func (c *checker) lookObjects(ctx context.Context, a *area) {
	c.lookApplications(a)
	c.lookElsewhere(a)
	c.lookProjects(a)
	c.lookSets(ctx, a)
}

// remarks are what is to be said of objects: their names, by what is said.
type remarks map[string][]string

func (r remarks) add(name string, texts ...string) {
	for _, text := range texts {
		r[text] = append(r[text], name)
	}
}

// say says each remark once, of all objects that it is about.
func (r remarks) say(kind string, say func(format string, args ...any)) {
	for _, text := range slices.Sorted(maps.Keys(r)) {
		say("%s %s: %s", kind, listedNames(r[text]), text)
	}
}

func (c *checker) lookApplications(a *area) {
	if c.noApps != nil {
		a.unread("Applications", c.noApps)
		return
	}
	invalid, lacking, odd := remarks{}, remarks{}, remarks{}
	for i := range c.apps {
		app := &c.apps[i]
		for _, err := range api.ValidateApplication(app) {
			invalid.add(c.named(app), err.Error())
		}
		lacking.add(c.named(app), api.Unsupported(app)...)
		odd.add(c.named(app), api.LintApplication(app)...)
	}
	invalid.say("Application", func(format string, args ...any) {
		a.wrong("correct it: nothing of the Application is synced", format, args...)
	})
	lacking.say("Application", func(format string, args ...any) { a.warn("what is asked for is not done", format, args...) })
	odd.say("Application", func(format string, args ...any) { a.warn("", format, args...) })
	c.lookProjectsOf(a)
	if len(invalid) == 0 {
		a.ok("%d Applications", len(c.apps))
	}
}

// lookProjectsOf looks whether the projects of Applications are there.
func (c *checker) lookProjectsOf(a *area) {
	if c.noProjects != nil {
		return
	}
	missing := map[string][]string{}
	for i := range c.apps {
		name := c.apps[i].Spec.ProjectName()
		there := slices.ContainsFunc(c.appProjects, func(p api.AppProject) bool { return p.Name == name })
		if !there && name != api.DefaultProject { // the agent makes that one
			missing[name] = append(missing[name], c.named(&c.apps[i]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		a.wrong("create it in namespace "+c.namespace, "there is no AppProject %s, which Applications name: %s", name, listedNames(missing[name]))
	}
}

func (c *checker) lookProjects(a *area) {
	if c.noProjects != nil {
		a.unread("AppProjects", c.noProjects)
		return
	}
	invalid, odd := remarks{}, remarks{}
	for i := range c.appProjects {
		p := &c.appProjects[i]
		if _, err := project.New(p, project.Scoped{}); err != nil {
			invalid.add(p.Name, eachLine(err)...)
		}
		if _, err := window.Compile(p.Spec.SyncWindows); err != nil {
			invalid.add(p.Name, eachLine(err)...)
		}
		odd.add(p.Name, agent.Lint(p, time.Now())...)
	}
	invalid.say("AppProject", func(format string, args ...any) {
		a.wrong("correct it: nothing of its Applications is synced", format, args...)
	})
	odd.say("AppProject", func(format string, args ...any) { a.warn("", format, args...) })
	if len(invalid) == 0 {
		a.ok("%d AppProjects", len(c.appProjects))
	}
}

// eachLine are those of an error's text.
func eachLine(err error) []string {
	return strings.Split(strings.TrimSpace(err.Error()), "\n")
}

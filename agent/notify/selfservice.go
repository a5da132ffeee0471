package notify

import (
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Self-service, as in Argo CD: a namespace with Applications may have a ConfigMap and a
// Secret of its own, of the same names, which count for its own Applications beside the
// administrator's. The same subscriptions ask both, and each sends what it has a trigger,
// a template and a service for.

// A versioned is a configuration, and the version of the source that it was compiled from.
type versioned struct {
	config  *Config
	version string
}

// itself returns what a namespace has configured; nil if it has nothing.
func (n *Notifier) itself(namespace string) (*Config, string) {
	if n.Own == nil {
		return nil, ""
	}
	source, version := n.Own(namespace)
	n.mu.Lock()
	defer n.mu.Unlock()
	if source.ConfigMap == nil {
		delete(n.own, namespace)
		return nil, ""
	}
	known, ok := n.own[namespace]
	if !ok || known.version != version {
		source.Namespace = namespace
		known = versioned{Compile(source), version}
		n.own[namespace] = known
		for _, err := range known.config.Mistakes {
			n.Log.Warn("part of the configuration of notifications has no effect", "namespace", namespace, "error", err)
		}
	}
	return known.config, version
}

// subscribesItself says that a namespace subscribes for its Applications as a whole.
func (n *Notifier) subscribesItself(namespace string) bool {
	if n.Own == nil {
		return false
	}
	source, _ := n.Own(namespace)
	return source.ConfigMap["subscriptions"] != ""
}

// configsOf are those that count for an Application, the administrator's first, and what
// tells one state of them from another.
func (n *Notifier) configsOf(app *api.Application) ([]*Config, string) {
	config, version := n.configured()
	configs := []*Config{config}
	if own, ofOwn := n.itself(app.Namespace); own != nil {
		configs, version = append(configs, own), version+" "+ofOwn
	}
	return configs, version
}

// timed says that what is told of an Application depends on what time it is.
func (n *Notifier) timed(configs []*Config, app *api.Application, project map[string]string) bool {
	return slices.ContainsFunc(configs, func(c *Config) bool {
		to, _ := c.Destinations(app.Labels, app.Annotations, project)
		return c.timed(to)
	})
}

// A verdict is what is to be told of an Application, by all that counts for it.
type verdict struct {
	letters  []*letter
	state    State
	changed  bool
	mistakes []string
}

// evaluateAll evaluates by each configuration. What one lacks is a mistake if all do.
func (n *Notifier) evaluateAll(configs []*Config, app *api.Application, moments []moment, found Found, project map[string]string) (verdict, error) {
	v := verdict{state: ParseState(app.Annotations[api.AnnotationNotified])}
	var lacks []string
	for i, config := range configs {
		to, mistakes := config.Destinations(app.Labels, app.Annotations, project)
		e, err := n.evaluate(config, app, v.state, moments, found, to)
		if err != nil {
			return v, fmt.Errorf("evaluate notifications: %w", err)
		}
		if i == 0 {
			lacks = e.Lacks
		}
		lacks = slices.DeleteFunc(slices.Clone(lacks), func(lack string) bool { return !slices.Contains(e.Lacks, lack) })
		v.state, v.changed, v.mistakes = e.State, v.changed || e.Changed, append(v.mistakes, append(mistakes, e.Mistakes...)...)
		for _, m := range e.Messages {
			v.letters = append(v.letters, &letter{Message: m, app: app, config: config})
		}
	}
	v.mistakes = append(v.mistakes, lacks...)
	return v, nil
}

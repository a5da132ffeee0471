package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/values"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// followValues follows single Secrets and ConfigMaps: a change makes a pass over those
// Applications that use them.
func (p *parts) followValues(cfg *rest.Config) (*values.Follower, error) {
	client, err := corev1client.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return values.NewFollower(client, func(user values.User) {
		p.agent.Wake(types.NamespacedName{Namespace: user.Namespace, Name: user.Name})
	}), nil
}

// permitValues asks an Application's project about a Secret or a ConfigMap that it
// takes values from.
func (e *engine) permitValues(app *api.Application) func(kind, name string) error {
	return func(kind, name string) error {
		rules, err := e.store.Rules(app.Spec.ProjectName())
		if err != nil {
			return err
		}
		if v := rules.Values(kind, name); !v.Allowed {
			return errors.New(v.Reason)
		}
		return nil
	}
}

// permitAnyValues: there is no project to ask on a laptop.
func permitAnyValues(*api.Application) func(kind, name string) error {
	return func(string, string) error { return nil }
}

// The flag of commands that render without a cluster.
const (
	valuesFlag = "values-from"
	valuesHelp = "`FILE` with Secrets and ConfigMaps that stand in for those of the cluster, or KIND/NAME/KEY=FILE; may be given several times"
)

// localValues stand in for the Secrets and ConfigMaps that Applications take values
// from, in whatever namespace these would be.
type localValues map[values.Object]values.Content

// newLocalValues reads --values-from: files with Secrets and ConfigMaps, and
// KIND/NAME/KEY=FILE for one item.
func newLocalValues(given []string) (localValues, error) {
	l := localValues{}
	for _, text := range given {
		add := l.manifests
		if what, _, ok := strings.Cut(text, "="); ok && strings.Count(what, "/") == 2 && isValuesKind(what) {
			add = l.item
		}
		if err := add(text); err != nil {
			return nil, fmt.Errorf("--values-from %s: %w", text, err)
		}
	}
	return l, nil
}

func isValuesKind(what string) bool {
	return strings.HasPrefix(what, values.Secret+"/") || strings.HasPrefix(what, values.ConfigMap+"/")
}

// item reads KIND/NAME/KEY=FILE.
func (l localValues) item(text string) error {
	what, file, _ := strings.Cut(text, "=")
	parts := strings.Split(what, "/")
	plain, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	l.add(parts[0], parts[1], map[string]secrets.Value{parts[2]: secrets.New(plain)})
	return nil
}

// manifests reads a file with Secrets and ConfigMaps.
func (l localValues) manifests(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	set, err := manifest.Parse(text, manifest.Origin{File: file})
	if err != nil {
		return err
	}
	for _, o := range set {
		switch o.Key.GroupKind().String() {
		case values.Secret:
			l.add(values.Secret, o.Key.Name, o.Data())
		case values.ConfigMap:
			var body corev1.ConfigMap
			if err := json.Unmarshal(o.JSON(), &body); err != nil {
				return fmt.Errorf("%s: %s: %w", o.Origin, o.Key, err)
			}
			l.add(values.ConfigMap, o.Key.Name, values.ContentOf(&body).Data)
		default:
			return fmt.Errorf("%s: %s is neither a Secret nor a ConfigMap", o.Origin, o.Key)
		}
	}
	return nil
}

// add merges items into an object.
func (l localValues) add(kind, name string, items map[string]secrets.Value) {
	object := values.Object{Kind: kind, Name: name}
	if l[object].Data == nil {
		l[object] = values.Content{Data: map[string]secrets.Value{}}
	}
	for key, value := range items {
		l[object].Data[key] = value
	}
}

// Use makes it a pipeline.Values.
func (l localValues) Use(_ context.Context, _ values.User, objects ...values.Object) (map[values.Object]values.Content, error) {
	all := map[values.Object]values.Content{}
	for _, o := range objects {
		content, ok := l[values.Object{Kind: o.Kind, Name: o.Name}]
		if !ok {
			content.Err = fs.ErrNotExist
			content.Hint = fmt.Sprintf("here it is given by --values-from FILE, or --values-from %s/%s/KEY=FILE", o.Kind, o.Name)
		}
		all[o] = content
	}
	return all, nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// look reads what the charts of an Application look up: in the name that its
// project says, if the agent impersonates, and nothing but what the project would
// let it apply.
func (e *engine) look(app *api.Application) func(context.Context, sdk.Object) (json.RawMessage, error) {
	return func(ctx context.Context, o sdk.Object) (json.RawMessage, error) {
		rules, err := e.store.Rules(app.Spec.ProjectName())
		if err != nil {
			return nil, err
		}
		destination := e.destinationOf(app)
		looker, err := e.destinations.Looker(app.Spec.Destination)
		if err != nil {
			return nil, err
		}
		user := ""
		if e.impersonate.Load() || e.settings.Settings().Impersonate {
			name, verdict := rules.User(app, destination)
			if !verdict.Allowed {
				return nil, errors.New(verdict.Reason)
			}
			user = name
		}
		return looker.Find(ctx, user, o, func(key manifest.Key, namespaced bool) error {
			if v := rules.Object(key, namespaced, destination); !v.Allowed {
				return errors.New(v.Reason)
			}
			return nil
		})
	}
}

// lookAsMyself reads with the rights of whoever calls: there is no project to ask
// on a laptop.
func lookAsMyself(looker *cluster.Looker) func(*api.Application) func(context.Context, sdk.Object) (json.RawMessage, error) {
	return func(*api.Application) func(context.Context, sdk.Object) (json.RawMessage, error) {
		return func(ctx context.Context, o sdk.Object) (json.RawMessage, error) {
			return looker.Find(ctx, "", o, func(manifest.Key, bool) error { return nil })
		}
	}
}

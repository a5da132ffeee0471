package appset

import (
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// IsRolling says that a set syncs its Applications itself, step by step.
func IsRolling(set *api.ApplicationSet) bool {
	s := set.Spec.Strategy
	return s != nil && s.Type == api.StrategyRollingSync && s.RollingSync != nil
}

// IsReversed says that the Applications of a set are deleted with it in the reverse order
// of its steps.
func IsReversed(set *api.ApplicationSet) bool {
	return IsRolling(set) && len(set.Spec.Strategy.RollingSync.Steps) > 0 && strings.EqualFold(set.Spec.Strategy.DeletionOrder, api.DeletionOrderReverse)
}

// Live is an Application that a set has generated as the cluster is to have it.
func Live(set *api.ApplicationSet, app *api.Application) *api.Application {
	if IsRolling(set) {
		return byHand(app)
	}
	return app
}

// byHand is an Application that is not synced automatically, but when the set says so.
func byHand(app *api.Application) *api.Application {
	if app.Spec.SyncPolicy == nil || app.Spec.SyncPolicy.Automated == nil {
		return app
	}
	app = app.DeepCopy()
	app.Spec.SyncPolicy.Automated.Enabled = new(false)
	return app
}

// Requested is the operation by which a rolling sync has an Application synced, which is
// given as it was generated: its policy for automatic syncs says whether it prunes.
func Requested(app *api.Application) *api.Operation {
	policy := app.Spec.SyncPolicy
	return &api.Operation{
		InitiatedBy: api.Initiator{Username: initiator, Automated: true},
		Info:        []api.Info{{Name: "Reason", Value: "ApplicationSet RollingSync triggered a sync of this Application resource"}},
		Sync:        &api.SyncOperation{SyncOptions: slices.Clone(policy.Options()), Prune: policy.IsAutomated() && policy.Automated.Prunes()},
		Retry:       policy.RetryOf(true),
	}
}

// initiator is who a rolling sync is to those who look at operations, as in Argo CD.
const initiator = "applicationset-controller"

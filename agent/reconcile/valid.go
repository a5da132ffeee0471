package reconcile

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
)

// valid checks the spec before anything is fetched. What is wrong, and what is
// not supported yet, becomes a condition that names the field (DESIGN.md D13).
func (p *pass) valid() bool {
	errs := api.ValidateApplication(p.app)
	for _, err := range errs {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
	}
	if len(errs) == 0 && !p.app.Spec.Destination.IsInCluster() {
		p.report.add(api.ConditionInvalidSpecError, fmt.Sprintf(
			"spec.destination: this version reaches only its own cluster, %s", api.InClusterServer))
	}
	if len(p.report.conditions) == 0 {
		p.permitted()
	}
	for _, warning := range unsupported(p.app) {
		p.report.add(ConditionUnsupportedWarning, warning)
	}
	if len(p.report.conditions) > 0 && p.report.conditions[0].Type == api.ConditionInvalidSpecError {
		p.status.Sync.Status = api.SyncCodeUnknown
		p.status.Health.Status = api.HealthUnknown
		return false
	}
	return true
}

// permitted asks the project about the Application itself.
func (p *pass) permitted() {
	rules, err := p.r.Store.Rules(p.app.Spec.ProjectName())
	if err != nil {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
		return
	}
	p.rules = rules
	for _, err := range rules.Application(p.app, p.app.Spec.Destination.Resolved(), p.r.Namespace) {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
	}
}

// ConditionUnsupportedWarning names a field that this version does not act on.
const ConditionUnsupportedWarning api.ConditionType = "UnsupportedWarning"

// unsupportedOptions are sync options that this version does not act on.
var unsupportedOptions = map[string]string{
	api.SyncOptionReplace:                  "objects are applied server-side, not replaced",
	api.SyncOptionServerSideApplyFalse:     "objects are always applied server-side",
	api.SyncOptionRespectIgnoreDifferences: "ignoreDifferences is not acted on yet",
	api.SyncOptionFailOnSharedResource:     "an object of another application is reported and left alone",
	api.SyncOptionValidateFalse:            "the API server validates in any case",
}

// unsupported names what the spec asks for and does not get.
func unsupported(app *api.Application) []string {
	var warnings []string
	if len(app.Spec.IgnoreDifferences) > 0 {
		warnings = append(warnings, "spec.ignoreDifferences is not acted on yet: fields that Git states are always applied, others are never touched")
	}
	if app.Spec.SourceHydrator != nil {
		warnings = append(warnings, "spec.sourceHydrator: only its sync source is read, nothing is hydrated")
	}
	for _, option := range app.Spec.SyncPolicy.Options() {
		if why, ok := unsupportedOptions[option]; ok {
			warnings = append(warnings, fmt.Sprintf("spec.syncPolicy.syncOptions: %s: %s", option, why))
		}
	}
	return warnings
}

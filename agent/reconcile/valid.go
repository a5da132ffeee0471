package reconcile

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/window"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// valid checks the spec before anything is fetched. What is wrong, and what is
// not supported yet, becomes a condition that names the field (DESIGN.md D13).
func (p *pass) valid() bool {
	errs := api.ValidateApplication(p.app)
	for _, err := range errs {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
	}
	if len(errs) == 0 && p.to.wrong != nil {
		p.report.add(api.ConditionInvalidSpecError, p.to.wrong.Error())
	}
	var err error
	if p.ignore, err = p.ignores(); err != nil {
		p.report.add(api.ConditionInvalidSpecError, "spec.ignoreDifferences: "+err.Error())
	}
	if !p.report.has(api.ConditionInvalidSpecError) {
		p.permitted()
	}
	for _, warning := range api.Unsupported(p.app) {
		p.report.add(ConditionUnsupportedWarning, warning)
	}
	if p.report.has(api.ConditionInvalidSpecError) {
		p.status.Sync.Status = api.SyncCodeUnknown
		p.status.Health.Status = api.HealthUnknown
		return false
	}
	return true
}

// legible reports what cannot be read of the Application's annotations, also as
// long as nothing asks for it.
func (p *pass) legible() {
	p.timeout(api.AnnotationSyncTimeout, nil, defaultSyncTimeout)
	p.timeout(api.AnnotationHookTimeout, nil, defaultHookTimeout)
	p.approval()
}

// permitted asks the project about the Application itself.
func (p *pass) permitted() {
	rules, err := p.r.Store.Rules(p.app.Spec.ProjectName())
	if err != nil {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
		return
	}
	schedule, err := p.r.Store.Windows(p.app.Spec.ProjectName())
	if err != nil {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
		return
	}
	p.rules, p.windows = rules, schedule.For(window.TargetOf(p.app))
	p.odd()
	p.bounded()
	project, err := p.r.Store.Project(p.app.Spec.ProjectName())
	if err != nil {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
		return
	}
	p.limits(project)
	p.demand = demandOf(p.app, project)
	p.impersonate()
	app := *p.app
	app.Operation = asked(p.app, p.status.OperationState)
	for _, err := range rules.Application(&app, p.to.dest, p.r.Namespace) {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
	}
	if other := withSources(&app, app.Operation); other != &app {
		for _, err := range api.ValidateApplicationSpec(&other.Spec, other.Annotations, field.NewPath("operation", "sync")) {
			p.report.add(api.ConditionInvalidSpecError, err.Error())
		}
	}
}

// impersonate chooses in whose name objects are written. If there is nobody,
// nothing is written: the agent's own rights are never the way out (SECURITY.md
// C15).
func (p *pass) impersonate() {
	if !p.impersonates() {
		return
	}
	user, verdict := p.rules.User(p.app, p.to.dest)
	if !verdict.Allowed {
		p.report.add(api.ConditionInvalidSpecError, verdict.Reason)
		return
	}
	if p.to.Apply == nil {
		return // there is nowhere to write
	}
	as, err := p.to.Apply.As(user)
	if err != nil {
		p.report.add(api.ConditionInvalidSpecError, err.Error())
		return
	}
	p.apply = as
}

// impersonates says that objects are written in the names that projects say.
func (p *pass) impersonates() bool { return p.tuned.Impersonate || p.settings.Impersonate }

// limits says what a project asks for that this version does not do.
func (p *pass) limits(project *api.AppProject) {
	name := "AppProject " + project.Name + ": "
	if len(project.Spec.DestinationServiceAccounts) > 0 && !p.impersonates() && !p.r.Onlooker {
		p.report.add(ConditionUnsupportedWarning, name+"spec.destinationServiceAccounts has no effect, for the agent runs without --impersonate, and ConfigMap argocd-cm without application.sync.impersonation.enabled: objects are applied with its own rights")
	}
}

// ConditionProjectWarning says what the project does to the Application that is
// hardly meant so.
const ConditionProjectWarning api.ConditionType = "ProjectWarning"

// odd warns of what is odd about the project, as far as it concerns the Application.
func (p *pass) odd() {
	name := "AppProject " + p.app.Spec.ProjectName() + ": "
	for _, text := range p.rules.Surprises(p.app, p.to.dest) {
		p.report.add(ConditionProjectWarning, name+text)
	}
	for _, text := range p.windows.Lint(p.now.Time) {
		p.report.add(ConditionProjectWarning, name+text)
	}
}

// ConditionUnsupportedWarning names a field that this version does not act on.
const ConditionUnsupportedWarning api.ConditionType = "UnsupportedWarning"

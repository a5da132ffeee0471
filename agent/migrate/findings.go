package migrate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Finding is something to know before the hand-over.
type Finding struct {
	// About is what it is about: an object, or an entry of a ConfigMap.
	About string `json:"about"`
	Text  string `json:"text"`
	// Weight is how much it matters: Note, Loss or Problem.
	Weight Weight `json:"weight"`
}

// A Weight says how much a finding matters.
type Weight string

const (
	// Note is nothing to do about.
	Note Weight = "Note"
	// Loss is something that nothing takes the place of when Argo CD goes.
	Loss Weight = "Loss"
	// Problem is something that works otherwise, or not at all, until it is changed.
	Problem Weight = "Problem"
)

// findings are gathered in order of what they are about.
func (f *Facts) findings() (all []Finding) {
	add := func(weight Weight, about, format string, args ...any) {
		all = append(all, Finding{about, fmt.Sprintf(format, args...), weight})
	}
	f.ofConfig(add)
	f.ofParts(add)
	f.ofApplications(add)
	f.ofSets(add)
	for _, text := range f.Unread {
		add(Problem, "this report", "it is incomplete: %s", text)
	}
	return all
}

// An adder takes one finding.
type adder func(weight Weight, about, format string, args ...any)

// configElsewhere are the beginnings of keys of argocd-cm that are Argo CD's user
// interface's, its API server's or its users'.
var configElsewhere = []string{
	"url", "dex.config", "oidc.config", "accounts.", "admin.enabled", "users.", "statusbadge.", "ui.", "help.", "exec.", "ga.", "extension.", "server.", "passwordPattern", "resource.links", "project.links", "application.links", "resource.customizations.actions", "resource.sensitive.mask.annotations",
}

func (f *Facts) ofConfig(add adder) {
	s := f.settings()
	for _, p := range s.Problems {
		add(Problem, "ConfigMap argocd-cm", "%s", p)
	}
	for _, note := range s.Notes {
		key, _, _ := strings.Cut(note, " ")
		if !slices.ContainsFunc(configElsewhere, func(prefix string) bool { return strings.HasPrefix(strings.TrimSuffix(key, ":"), prefix) }) {
			add(Note, "ConfigMap argocd-cm", "%s", note)
		}
	}
	for _, key := range []string{"kustomize.buildOptions", "helm.valuesFileSchemes", "configManagementPlugins"} {
		if f.Config[key] != "" {
			add(Problem, "ConfigMap argocd-cm", "%s is Argo CD's way to set that for all Applications: see what the report says of those that need it", key)
		}
	}
	if f.Config["dex.config"] != "" || f.Config["oidc.config"] != "" || len(f.RBAC) > 0 {
		add(Loss, "users", "logins (dex, OIDC, accounts) and argocd-rbac-cm are Argo CD's API server's: who may do what is Kubernetes' RBAC on Applications afterwards")
	}
	ignored := slices.DeleteFunc(slices.Sorted(maps.Keys(f.Params)), func(key string) bool {
		return !strings.HasPrefix(key, "controller.") && !strings.HasPrefix(key, "applicationsetcontroller.") && !strings.HasPrefix(key, "reposerver.") ||
			slices.Contains(f.Followed, key)
	})
	if f.Idle != nil {
		for i, key := range ignored {
			ignored[i] = f.Idle(key)
		}
	}
	if len(ignored) > 0 {
		add(Note, "ConfigMap argocd-cmd-params-cm", "these have no effect: %s", named(ignored))
	}
}

func (f *Facts) ofParts(add adder) {
	if f.part(server) != nil {
		add(Loss, "Deployment "+server, "the user interface, its API and the argocd command go with it; tidelock get, diff, plan, sync, why and history take their place on the command line")
	}
	if w := f.part(repoServer); w != nil {
		for _, c := range w.Containers {
			if c.Name != repoServer && !strings.HasPrefix(c.Name, "copyutil") {
				add(Problem, "sidecar "+c.Name+" of "+repoServer, "a custom plugin: its plugin.yaml works here unchanged, as `tidelock plugin about --help` says; it must be there before step 5")
			}
		}
	}
	if f.runs(notifier) && hasPrefix(f.Notifications, "service.") {
		add(Note, "ConfigMap argocd-notifications-cm", "notifications are configured; two that send them would send each twice, so %s is stopped with the others in step 4", notifier)
	}
	if w := f.part(controller); w != nil && w.Replicas > 1 {
		add(Note, w.Kind+" "+controller, "it has %d replicas, which divide the clusters; replicas of Tidelock divide the Applications", w.Replicas)
	}
	for _, w := range append(slices.Clone(f.Workloads), f.Elsewhere...) {
		if w.Part == imageUpdater {
			add(Note, "Image Updater", "%s/%s goes on if it reaches Applications by Kubernetes (applications_api: kubernetes), not by Argo CD's API server", w.Namespace, w.Name)
		}
	}
}

func hasPrefix(data map[string]string, prefix string) bool {
	for key := range data {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

func (f *Facts) ofApplications(add adder) {
	for i := range f.Applications {
		app := &f.Applications[i]
		about := "Application " + app.Namespace + "/" + app.Name
		for _, err := range api.ValidateApplication(app) {
			add(Problem, about, "%s", err)
		}
		for _, text := range api.Unsupported(app) {
			add(Problem, about, "%s", text)
		}
		for _, text := range api.LintApplication(app) {
			add(Note, about, "%s", text)
		}
		if left := leftovers(app); len(left) > 0 && f.agent() != working {
			add(Problem, about, "Argo CD would prune what Git does not state any more, which nobody does once it has stopped: sync with pruning before step 4, or delete it yourself: %s", named(left))
		}
	}
	for i := range f.Projects {
		p := &f.Projects[i]
		about := "AppProject " + p.Name
		for _, err := range api.ValidateProject(p) {
			add(Problem, about, "%s", err)
		}
		for _, text := range api.LintProject(p) {
			add(Note, about, "%s", text)
		}
		if len(p.Spec.Roles) > 0 {
			add(Loss, about, "spec.roles are for users of Argo CD's API server")
		}
		if len(p.Spec.DestinationServiceAccounts) > 0 && !f.settings().Impersonate {
			add(Problem, about, "spec.destinationServiceAccounts has no effect without --impersonate, nor has it in Argo CD without application.sync.impersonation.enabled")
		}
	}
}

// leftovers are the objects of an Application that Git does not state any more, and that
// are there. They carry no mark of ours, by which we would know them.
func leftovers(app *api.Application) (objects []string) {
	for _, r := range app.Status.Resources {
		if r.RequiresPruning {
			key := manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
			objects = append(objects, key.String())
		}
	}
	return objects
}

func (f *Facts) ofSets(add adder) {
	for i := range f.Sets {
		set := &f.Sets[i]
		about := "ApplicationSet " + set.Namespace + "/" + set.Name
		for _, err := range api.ValidateApplicationSet(set) {
			add(Problem, about, "%s", err)
		}
		if set.Namespace != f.Namespace {
			add(Note, about, "it is in another namespace than Argo CD's")
		}
		if appset.IsRolling(set) {
			f.ofRolling(add, about)
		}
	}
	if f.enabled(setController, "applicationsetcontroller.dryrun", "--dry-run") {
		add(Note, "ConfigMap argocd-cmd-params-cm", "nothing is done with the Applications of ApplicationSets, which are tried out only (applicationsetcontroller.dryrun); Tidelock does so, too, if that entry says it, or --applicationset-dry-run")
	}
}

// ofRolling is about a rolling sync, which Argo CD takes for none unless that is enabled.
func (f *Facts) ofRolling(add adder, about string) {
	const key = "applicationsetcontroller.enable.progressive.syncs"
	switch {
	case f.enabled(setController, key, "--enable-progressive-syncs"):
	case strings.TrimSpace(f.Params[key]) != "":
		add(Note, about, "its RollingSync has no effect, in Argo CD as in Tidelock: %s is %s", key, f.Params[key])
	default:
		add(Problem, about, "its RollingSync has no effect in Argo CD, where progressive syncs are not enabled, and has with Tidelock: its Applications are not synced automatically any more, but step by step; with %s: \"false\" in ConfigMap argocd-cmd-params-cm, or --progressive-syncs=false, it stays without effect", key)
	}
}

// enabled says that a part of Argo CD has something enabled, by ConfigMap
// argocd-cmd-params-cm or by its arguments.
func (f *Facts) enabled(part, key, flag string) bool {
	if on, err := strconv.ParseBool(strings.TrimSpace(f.Params[key])); err == nil && on {
		return true
	}
	w := f.part(part)
	if w == nil {
		return false
	}
	for _, c := range w.Containers {
		if slices.Contains(c.Args, flag) || slices.Contains(c.Args, flag+"=true") {
			return true
		}
	}
	return false
}

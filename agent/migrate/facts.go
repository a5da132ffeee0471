package migrate

import (
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/settings"
)

// Facts are what there is in a cluster.
type Facts struct {
	// Namespace is Argo CD's.
	Namespace string
	// Definitions: the cluster serves Applications.
	Definitions bool
	// Workloads are those of Argo CD and of Tidelock in the namespace.
	Workloads []Workload
	// Elsewhere are workloads in other namespaces that have to do with it.
	Elsewhere []Workload
	// Config is ConfigMap argocd-cm, Params argocd-cmd-params-cm; nil if it is not there.
	Config, Params map[string]string
	// Followed are the keys of Params that have their effect with Tidelock, too.
	Followed []string
	// Idle words a key of Params that has no effect with Tidelock; nil if nobody does.
	Idle func(key string) string
	// Notifications is ConfigMap argocd-notifications-cm, RBAC argocd-rbac-cm; likewise.
	Notifications, RBAC map[string]string

	Applications []api.Application
	Sets         []api.ApplicationSet
	Projects     []api.AppProject
	// Clusters are how many have a Secret.
	Clusters int
	// Adopted is how many Applications we have written a status of.
	Adopted int
	// Flux are the objects by which Flux deploys.
	Flux []FluxObject
	// Unread says what could not be read, with the person's rights.
	Unread []string
}

// A Workload is a Deployment or a StatefulSet.
type Workload struct {
	Kind      string
	Namespace string
	Name      string
	// Part is its label app.kubernetes.io/name, or its name.
	Part       string
	Replicas   int32
	Containers []Container
}

// A Container is one of a workload.
type Container struct {
	Name  string
	Image string
	Args  []string
}

// A FluxObject is a Kustomization or a HelmRelease.
type FluxObject struct {
	Kind      string
	Namespace string
	Name      string
	Suspended bool
}

// The parts of Argo CD.
const (
	controller    = "argocd-application-controller"
	setController = "argocd-applicationset-controller"
	notifier      = "argocd-notifications-controller"
	repoServer    = "argocd-repo-server"
	server        = "argocd-server"
	imageUpdater  = "argocd-image-updater"
	tidelock      = "tidelock"
)

// part finds a workload of the namespace; nil if there is none.
func (f *Facts) part(name string) *Workload {
	for i := range f.Workloads {
		if f.Workloads[i].Part == name || f.Workloads[i].Name == name {
			return &f.Workloads[i]
		}
	}
	return nil
}

// runs says that a part is there, and is meant to run.
func (f *Facts) runs(name string) bool {
	w := f.part(name)
	return w != nil && w.Replicas > 0
}

// version is that of Argo CD, by the images of its parts; "" if none says.
func (f *Facts) version() string {
	for _, name := range []string{controller, server, repoServer, setController} {
		w := f.part(name)
		if w == nil {
			continue
		}
		for _, c := range w.Containers {
			if _, tag, ok := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":"); ok {
				tag, _, _ = strings.Cut(tag, "@")
				return tag
			}
		}
	}
	return ""
}

// An agentState is what Tidelock does in the namespace.
type agentState int

const (
	absent agentState = iota
	onlooking
	working
	stopped
)

func (f *Facts) agent() agentState {
	w := f.part(tidelock)
	switch {
	case w == nil:
		return absent
	case w.Replicas == 0:
		return stopped
	}
	for _, c := range w.Containers {
		for _, arg := range c.Args {
			if arg == "--shadow" || arg == "--shadow=true" {
				return onlooking
			}
		}
	}
	return working
}

// settings are what argocd-cm says to us.
func (f *Facts) settings() *settings.Settings { return settings.Read(f.Config, nil) }

// tracking says how objects are tracked, in words.
func (f *Facts) tracking() string {
	s := f.settings()
	label := s.Label
	if label == "" {
		label = api.LabelInstance
	}
	switch s.Tracking {
	case "label":
		return "by label " + label
	case "annotation+label":
		return "by annotation, and label " + label
	}
	return "by annotation " + api.AnnotationTrackingID
}

// automated counts Applications that are synced automatically.
func (f *Facts) automated() (n int) {
	for i := range f.Applications {
		if f.Applications[i].Spec.SyncPolicy.IsAutomated() {
			n++
		}
	}
	return n
}

// outOfSync names Applications that the first look would sync.
func (f *Facts) outOfSync() (names []string) {
	for i := range f.Applications {
		app := &f.Applications[i]
		if app.Spec.SyncPolicy.IsAutomated() && app.Status.Sync.Status != api.SyncCodeSynced {
			names = append(names, app.Namespace+"/"+app.Name)
		}
	}
	return names
}

// busy names Applications of which an operation runs.
func (f *Facts) busy() (names []string) {
	for i := range f.Applications {
		app := &f.Applications[i]
		if op := app.Status.OperationState; app.Operation != nil || op != nil && !op.Phase.Completed() {
			names = append(names, app.Namespace+"/"+app.Name)
		}
	}
	return names
}

// leaving names Applications that are being deleted.
func (f *Facts) leaving() (names []string) {
	for i := range f.Applications {
		if app := &f.Applications[i]; app.DeletionTimestamp != nil {
			names = append(names, app.Namespace+"/"+app.Name)
		}
	}
	return names
}

// elsewhere says that Applications are in other namespaces than Argo CD's.
func (f *Facts) elsewhere() (namespaces []string) {
	seen := map[string]bool{f.Namespace: true}
	for i := range f.Applications {
		if ns := f.Applications[i].Namespace; !seen[ns] {
			seen[ns] = true
			namespaces = append(namespaces, ns)
		}
	}
	return namespaces
}

// named words a list, of which it names the first few.
func named(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

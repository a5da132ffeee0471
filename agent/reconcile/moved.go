package reconcile

import (
	"fmt"
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

// ConditionLeftBehindWarning says that an Application has objects in a cluster that it is
// not for any more.
const ConditionLeftBehindWarning api.ConditionType = "LeftBehindWarning"

// leaves says what an Application that goes to another cluster leaves behind. As in Argo CD
// it is left alone, for nobody has asked for it to go; there, that is not said. The note
// stays until somebody asks for a hard refresh.
func (p *pass) leaves() {
	was := p.app.Status.Sync.ComparedTo.Destination
	if was == (api.Destination{}) || p.sameCluster(was) {
		if p.app.Annotations[api.AnnotationRefresh] != api.RefreshHard {
			p.report.keep(p.app.Status.Conditions, ConditionLeftBehindWarning)
		}
		return
	}
	live := slices.DeleteFunc(slices.Clone(p.app.Status.Resources), func(r api.ResourceStatus) bool {
		return r.Hook || r.Health != nil && r.Health.Status == api.HealthMissing
	})
	p.status.Resources = nil // they are of another cluster
	if len(live) == 0 {
		return
	}
	text := fmt.Sprintf("%s may be left in cluster %s, which the Application was for before", objectOf(live[0]), shownDestination(was))
	if more := len(live) - 1; more > 0 {
		text = fmt.Sprintf("%s and %d more objects may be left in cluster %s, which the Application was for before", objectOf(live[0]), more, shownDestination(was))
	}
	p.report.add(ConditionLeftBehindWarning, text+": nobody syncs there any more, or deletes; a hard refresh takes this note away")
	p.log.Warn("the Application goes to another cluster, and leaves its objects where they are",
		"from", shownDestination(was), "to", p.to.dest.Server, "objects", len(live))
}

// sameCluster says that a destination is of the cluster that the Application is for. Of one
// that is not known any more, what it is called counts.
func (p *pass) sameCluster(was api.Destination) bool {
	to, err := p.r.Destinations.Resolve(was)
	if err != nil || p.to.wrong != nil {
		now := p.app.Spec.Destination
		return was.Server == now.Server && was.Name == now.Name
	}
	return to.Server == p.to.dest.Server
}

func shownDestination(to api.Destination) string {
	if to.Name != "" {
		return to.Name
	}
	return to.Server
}

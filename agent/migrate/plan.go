package migrate

import (
	"fmt"
	"strings"
)

// A Plan is how to hand a cluster over.
type Plan struct {
	// Here is what there is, line by line.
	Here []string `json:"here"`
	// Conflict says that two agents write at once; "" if it is not so.
	Conflict string    `json:"conflict,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	Steps    []Step    `json:"steps"`
}

// A Step is one of a plan.
type Step struct {
	Title string `json:"title"`
	// Done: what there is says so. A step that leaves nothing behind is never done.
	Done bool `json:"done"`
	// Text says what happens, paragraph by paragraph.
	Text []string `json:"text,omitempty"`
	// Commands are what to run, in this order.
	Commands []string `json:"commands,omitempty"`
	// Wait says what has to be so before; "" if nothing has.
	Wait string `json:"wait,omitempty"`
}

// Of plans the hand-over.
func Of(f Facts) Plan {
	p := Plan{Here: f.here(), Conflict: f.conflict(), Findings: f.findings()}
	p.Steps = []Step{f.definitions(), f.lookOn(), f.compare(), f.pause(), f.takeOver(), f.ownership(), f.verify(), f.goBack(), f.remove()}
	if len(f.Flux) > 0 {
		p.Steps = append(p.Steps, f.flux())
	}
	return p
}

// Next is the first step that is to be done, -1 if all are that leave something behind.
func (p Plan) Next() int {
	for i, s := range p.Steps {
		if !s.Done {
			return i
		}
	}
	return -1
}

// here says what there is.
func (f *Facts) here() (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if f.part(controller) == nil && f.part(server) == nil {
		say("no Argo CD in namespace %s (another namespace: -n)", f.Namespace)
	} else {
		version := f.version()
		if version == "" {
			version = "of an unknown version"
		}
		say("Argo CD %s in namespace %s", version, f.Namespace)
		for _, w := range f.Workloads {
			if w.Part != tidelock {
				say("%s %s, %d replicas", w.Kind, w.Name, w.Replicas)
			}
		}
		say("objects are tracked %s", f.tracking())
	}
	say("%d Applications, %d of them synced automatically, %d ApplicationSets, %d AppProjects, %d clusters beside this one",
		len(f.Applications), f.automated(), len(f.Sets), len(f.Projects), f.Clusters)
	if others := f.elsewhere(); len(others) > 0 {
		say("Applications are in other namespaces, too: %s", named(others))
	}
	switch f.agent() {
	case absent:
		say("no Tidelock in namespace %s", f.Namespace)
	case onlooking:
		say("Tidelock looks on, and writes nothing")
	case working:
		say("Tidelock works; it has written the status of %d Applications", f.Adopted)
	case stopped:
		say("Tidelock is installed, and stopped")
	}
	if len(f.Flux) > 0 {
		say("Flux deploys here, too: %d objects", len(f.Flux))
	}
	return lines
}

// conflict says that two agents write at once.
func (f *Facts) conflict() string {
	if f.agent() != working {
		return ""
	}
	var both []string
	for _, name := range []string{controller, setController} {
		if f.runs(name) {
			both = append(both, name)
		}
	}
	if len(both) == 0 {
		return ""
	}
	return fmt.Sprintf("Tidelock and %s both write to the same Applications and objects, and undo each other's work without end: stop one of them now, by the commands of step 4 or of step 8", strings.Join(both, " and "))
}

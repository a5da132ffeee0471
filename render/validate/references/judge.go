package references

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/validate"
)

// A judge tells what is wrong with the references of one object.
type judge struct {
	*world
	of       *made
	home     *cluster
	uses     []use
	problems []*problem
}

// A problem is told once, at the first of the fields that have it.
type problem struct {
	validate.Problem
	about place
	more  int // fields
}

func (j *judge) add(rule, at string, about place, message, hint string) {
	for _, p := range j.problems {
		if p.Rule == rule && p.about == about && p.Message == message {
			p.more++
			return
		}
	}
	j.problems = append(j.problems, &problem{validate.Problem{Rule: rule, Object: j.of.by, Path: at, Message: message, Hint: hint}, about, 0})
}

// told returns the problems in the order of the fields.
func (j *judge) told() []validate.Problem {
	var all []validate.Problem
	for _, p := range j.problems {
		if p.more > 0 {
			p.Message += fmt.Sprintf(" (and so in %d more of its fields)", p.more)
		}
		all = append(all, p.Problem)
	}
	return all
}

// use looks for what one reference is to.
func (j *judge) use(u *use) {
	if j.of.namespace == "" && u.namespace == j.of.by.Key.Namespace {
		u.namespace = "" // it is assumed
	}
	if u.wrong != "" {
		j.add(u.rule, u.at, place{u.kind, u.namespace, u.name}, u.wrong, "")
		return
	}
	found := j.find(j.of, u, j.home)
	if own := j.own(found); len(own) > 0 {
		found = own
	}
	switch {
	case len(found) == 0 && !u.optional:
		j.absent(u)
	case len(found) > 0 && u.key != "" && !u.optional:
		j.hasKey(u, found)
	case len(found) > 0 && u.port != nil:
		j.hasPort(u, found)
	}
}

// own are those that the same part states.
func (j *judge) own(found []*made) []*made {
	var own []*made
	for _, m := range found {
		if m.part == j.of.part {
			own = append(own, m)
		}
	}
	return own
}

// absent tells that nothing is referred to, if it is likely that nothing will be.
func (j *judge) absent(u *use) {
	if wellKnown(u) || j.external.Has(u.kind, u.namespace, u.name) {
		return
	}
	if name, m := j.otherHash(u); m != nil {
		j.misnamed(u, fmt.Sprintf("there is %s (%s): a generator gave it the hash of its content; name it as it is named in the kustomization", name, m.by.Origin))
		return
	}
	if !j.whole || j.drafts[j.of.part] || j.excused(j.of, u, j.home) {
		return
	}
	if m := j.misplaced(u); m != nil {
		j.misnamed(u, fmt.Sprintf("this Application has it in namespace %s (%s)", m.namespace, m.by.Origin))
		return
	}
	if name, m := j.nearest(u); m != nil {
		j.misnamed(u, fmt.Sprintf("did you mean %s (%s)?", name, m.by.Origin))
		return
	}
	if kind, m := j.otherKind(u); m != nil {
		j.misnamed(u, fmt.Sprintf("there is a %s of this name (%s)", kind, m.by.Origin))
		return
	}
	if rule := u.missing(); rule != "" && (rule != validate.RuleMissingTarget || j.judges(u.kind)) {
		j.add(rule, u.at, place{u.kind, u.namespace, u.name}, "nothing here makes "+j.named(u), j.elsewhere(u))
	}
}

func (j *judge) misnamed(u *use, hint string) {
	j.add(validate.RuleMisnamed, u.at, place{u.kind, u.namespace, u.name}, "nothing here makes "+j.named(u), hint)
}

// named prints as "Secret db in namespace shop".
func (j *judge) named(u *use) string { return u.kind.Kind + " " + u.name + j.where(u.namespace) }

func (j *judge) where(namespace string) string {
	where := ""
	if namespace != "" {
		where = " in namespace " + namespace
	}
	if len(j.clusters) > 2 && j.home.name != "" { // "" is always there
		where += " of cluster " + j.home.name
	}
	return where
}

// elsewhere is what to do about it.
func (j *judge) elsewhere(u *use) string {
	for _, m := range j.home.named[place{u.kind, "", u.name}] {
		if m.namespace != "" && m.namespace != u.namespace {
			return "there is one in namespace " + m.namespace
		}
	}
	entry := u.kind.Kind + " " + u.name
	if u.namespace != "" {
		entry = u.kind.Kind + " " + u.namespace + "/" + u.name
	}
	return fmt.Sprintf("if others do, list %q under validate.external in %s", entry, validate.ConfigFile)
}

// otherHash finds what a generator makes of the same name, with a hash that the
// reference lacks, or with another one.
func (j *judge) otherHash(u *use) (string, *made) {
	if u.kind != kindConfigMap && u.kind != kindSecret {
		return "", nil
	}
	want, _ := base(u.name)
	return j.candidate(u, func(name string) bool {
		without, hashed := base(name)
		return hashed && without == want
	})
}

// nearest finds a name that is off by a slip of the pen. What the object refers to
// beside it is another thing.
func (j *judge) nearest(u *use) (string, *made) {
	return j.candidate(u, func(name string) bool {
		return near(u.name, name) && !slices.ContainsFunc(j.uses, func(other use) bool { return other.kind == u.kind && other.name == name })
	})
}

// candidate returns the first of the names that might have been meant.
func (j *judge) candidate(u *use, fits func(name string) bool) (string, *made) {
	best := ""
	var made *made
	for _, k := range j.home.kin {
		for _, namespace := range slices.Compact([]string{u.namespace, ""}) {
			for _, name := range k.spaces[space{u.kind, namespace}] {
				if best != "" && name >= best || !fits(name) {
					continue
				}
				if m := k.made[place{u.kind, namespace, name}][0]; (j.whole || m.part == j.of.part) && !j.alternative(j.of, m) {
					best, made = name, m
				}
			}
		}
	}
	return best, made
}

// misplaced finds what the same Application has in another namespace.
func (j *judge) misplaced(u *use) *made {
	if clusterKinds[u.kind] || u.namespace != j.of.namespace || j.home.name == "" {
		return nil
	}
	for _, m := range j.home.named[place{u.kind, "", u.name}] {
		if m.part == j.of.part && m.body.there() {
			return m
		}
	}
	return nil
}

// workloads are the kinds that autoscalers scale. Of others they are told only where
// some are rendered.
var workloads = []schema.GroupKind{kindDeployment, kindStatefulSet, kindReplicaSet, kindDaemonSet, kindController, kindRollout, kindTriggerAuth}

func (j *judge) judges(kind schema.GroupKind) bool {
	return slices.Contains(workloads, kind) || j.owns(j.home, kind)
}

// otherKind finds a workload of the name, but of another kind.
func (j *judge) otherKind(u *use) (string, *made) {
	if u.rule != validate.RuleMissingTarget {
		return "", nil
	}
	for _, kind := range workloads {
		other := *u
		other.kind = kind
		if found := j.own(j.find(j.of, &other, j.home)); len(found) > 0 && found[0] != j.of {
			return kind.Kind, found[0]
		}
	}
	return "", nil
}

// hasKey demands a key of one of those that are referred to.
func (j *judge) hasKey(u *use, found []*made) {
	all := map[string]bool{}
	for _, m := range found {
		if m.keys == nil || m.keys[u.key] {
			return
		}
		maps.Copy(all, m.keys)
	}
	rule, what := validate.RuleMissingKey, "key"
	if u.kind == kindGateway {
		rule, what = validate.RuleMissingPort, "listener"
	}
	names := slices.Sorted(maps.Keys(all))
	about := place{u.kind, u.namespace, u.name + "/" + u.key}
	j.add(rule, u.keyAt, about, fmt.Sprintf("%s has no %s %q", j.named(u), what, u.key), among("it has ", u.key, names)+" ("+found[0].by.Origin.String()+")")
}

// among is what there is instead.
func among(instead, want string, names []string) string {
	for _, name := range names {
		if near(want, name) || strings.EqualFold(want, name) || strings.NewReplacer("_", "-", ".", "-").Replace(want) == strings.NewReplacer("_", "-", ".", "-").Replace(name) {
			return fmt.Sprintf("did you mean %q?", name)
		}
	}
	if len(names) > shownNames {
		return instead + strings.Join(names[:shownNames], ", ") + ", …"
	}
	return instead + strings.Join(names, ", ")
}

const shownNames = 12

// hasPort demands a port of one of the Services that are referred to.
func (j *judge) hasPort(u *use, found []*made) {
	var names []string
	for _, m := range found {
		ports := m.body.each("spec", "ports")
		if len(ports) == 0 || m.body.in("spec", "type").text() == "ExternalName" {
			return
		}
		for _, port := range ports {
			if port.in("port").value == u.port || port.in("name").value == u.port {
				return
			}
			names = append(names, strings.TrimSpace(fmt.Sprintf("%s %v", port.in("name").text(), port.in("port").value)))
		}
	}
	slices.Sort(names)
	about := place{u.kind, u.namespace, fmt.Sprint(u.name, "/", u.port)}
	j.add(validate.RuleMissingPort, u.keyAt, about, fmt.Sprintf("%s has no port %v", j.named(u), u.port), "it has "+strings.Join(slices.Compact(names), ", ")+" ("+found[0].by.Origin.String()+")")
}

package fleet

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Of two Applications in one repository nobody says that the same agent has both:
// clusters/staging and clusters/production are often for an agent each, which calls its
// own cluster by the same name as the other. What is compared with one another has to
// be of one agent, or each finding is a false alarm.
//
// So Applications are divided into installations. Those that one Application, or one
// directory, states together are together. Two directories that state Applications or
// AppProjects of the same name, or Applications that put most of the same objects into
// the agent's own cluster, are taken for two installations, with all that lies below
// where their paths part: that one is a copy of the other by mistake is not told.

// A bundle is what is stated together: by a directory of plain files, by an overlay, or
// by an Application that nothing states.
type bundle struct {
	dir     string
	root    *Member // nil for plain files
	members []*Member
	names   map[string]bool // of Applications, by namespace and name, and of AppProjects
	label   string
}

// installations gives each Application the label of its own.
func (c *check) installations() {
	all, of := c.bundles()
	c.splits = map[string]bool{}
	byNames := map[string][]*bundle{}
	for _, b := range all {
		for name := range b.names {
			byNames[name] = append(byNames[name], b)
		}
	}
	for _, same := range byNames {
		c.split(same)
	}
	for _, twins := range c.twins(of) {
		c.split(twins)
	}
	for _, b := range all {
		b.label = labelOf(b.dir, c.splits)
	}
	for _, same := range byNames {
		tellApart(same)
	}
	for _, b := range all {
		for _, m := range b.members {
			m.label = b.label
		}
	}
	for _, m := range c.Members {
		if m.App == nil {
			m.label = labelOf(m.Dir, c.splits)
		}
	}
}

// bundles finds what is stated together, and of which bundle each Application is.
func (c *check) bundles() (list []*bundle, of map[*Member]*bundle) {
	known := map[any]*bundle{} // by directory, or by root
	get := func(id any, dir string, root *Member) *bundle {
		if known[id] == nil {
			known[id] = &bundle{dir: dir, root: root, names: map[string]bool{}}
			list = append(list, known[id])
		}
		return known[id]
	}
	of = map[*Member]*bundle{}
	for _, m := range c.apps {
		for i, root := range m.roots() {
			var b *bundle
			switch {
			case root.App == nil:
				b = get(root, root.Dir, root)
			case root.children:
				b = get(root, path.Dir(root.Object.Origin.File), root)
			default:
				dir := path.Dir(root.Object.Origin.File)
				b = get(dir, dir, nil)
			}
			b.names[nameOf(m.App).String()] = true
			if i == 0 {
				b.members = append(b.members, m)
				of[m] = b
			}
		}
	}
	for _, o := range c.Loose {
		if isProject(o) {
			dir := path.Dir(o.Origin.File)
			get(dir, dir, nil).names[api.AppProjectKind+" "+o.Key.Name] = true
		}
	}
	for _, m := range c.Members {
		for _, o := range m.Set {
			if m.App == nil && isProject(o) {
				get(m, m.Dir, m).names[api.AppProjectKind+" "+o.Key.Name] = true
			}
		}
	}
	return list, of
}

// split notes where the ways to bundles part, which are of two installations each. Of
// directories in their order it suffices to look at neighbours.
func (c *check) split(same []*bundle) {
	slices.SortFunc(same, func(a, b *bundle) int { return strings.Compare(a.dir, b.dir) })
	for i := 1; i < len(same); i++ {
		if a, b := same[i-1], same[i]; a.dir != b.dir {
			one, other := diverge(a.dir, b.dir)
			c.splits[one], c.splits[other] = true, true
		}
	}
}

// twins finds the bundles of Applications that put most of the same objects into the
// agent's own cluster.
func (c *check) twins(of map[*Member]*bundle) (pairs [][]*bundle) {
	type pair struct{ a, b *Member }
	shared := map[pair]int{}
	for at, staters := range c.stated {
		if at.cluster != api.InClusterServer || len(staters) < 2 {
			continue
		}
		inOrder := slices.Clone(staters)
		slices.SortStableFunc(inOrder, func(a, b stater) int { return strings.Compare(of[a.by].dir, of[b.by].dir) })
		for i := 1; i < len(inOrder); i++ {
			if p := (pair{inOrder[i-1].by, inOrder[i].by}); of[p.a].dir != of[p.b].dir {
				shared[p]++
			}
		}
	}
	for p, n := range shared {
		if 2*n >= min(len(p.a.Set), len(p.b.Set)) {
			pairs = append(pairs, []*bundle{of[p.a], of[p.b]})
		}
	}
	return pairs
}

// tellApart gives roots of one directory labels of their own, if they state Applications
// of the same name and these are most that one of them states: bootstrap/staging.yaml
// and bootstrap/production.yaml are for a cluster each.
func tellApart(same []*bundle) {
	slices.SortStableFunc(same, func(a, b *bundle) int {
		return cmp.Or(strings.Compare(a.dir, b.dir), strings.Compare(a.rootName(), b.rootName()))
	})
	for i := 1; i < len(same); i++ {
		if a, b := same[i-1], same[i]; a.dir == b.dir && a.root != nil && b.root != nil && copies(a, b) {
			a.label, b.label = a.dir+" "+a.rootName(), b.dir+" "+b.rootName()
		}
	}
}

func (b *bundle) rootName() string {
	if b.root == nil {
		return ""
	}
	return b.root.Name()
}

// copies says that two roots state mostly the same Applications, beside themselves.
func copies(a, b *bundle) bool {
	same := 0
	for name := range a.names {
		if b.names[name] {
			same++
		}
	}
	return 2*same >= min(len(a.names), len(b.names))-1
}

// diverge returns the directories just below where two ways part.
func diverge(a, b string) (one, other string) {
	p, q := strings.Split(a, "/"), strings.Split(b, "/")
	i := 0
	for i < len(p) && i < len(q) && p[i] == q[i] {
		i++
	}
	return strings.Join(p[:min(i+1, len(p))], "/"), strings.Join(q[:min(i+1, len(q))], "/")
}

// labelOf is the innermost of the split directories that a directory is in.
func labelOf(dir string, splits map[string]bool) string {
	for ; ; dir = path.Dir(dir) {
		if splits[dir] {
			return dir
		}
		if dir == "." || dir == "/" {
			return ""
		}
	}
}

// labels lists those of all installations, in order.
func (c *check) labels() []string {
	var labels []string
	for label := range c.byLabel {
		labels = append(labels, label)
	}
	slices.Sort(labels)
	return labels
}

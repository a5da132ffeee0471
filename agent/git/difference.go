package git

// A Difference is a read that gives something else on another tree.
type Difference struct {
	Was Fact `json:"was"`
	Is  Fact `json:"is"`
}

// Differences returns the facts that tree does not confirm, with what it says
// instead, in the order of the facts.
func (fs Facts) Differences(tree *Tree) []Difference {
	var list []Difference
	for _, f := range fs {
		is, err := f.again(tree)
		if err != nil || f.lost || is != f {
			list = append(list, Difference{f, is})
		}
	}
	return list
}

// String says in words what became of the path, for a person.
func (d Difference) String() string {
	switch {
	case d.Was.Error != "" && d.Is.Error == "":
		return d.Was.Path + " is new"
	case d.Was.Error == "" && d.Is.Error != "":
		return d.Was.Path + " is gone"
	case d.Was.Resolved != d.Is.Resolved:
		return d.Was.Path + " leads elsewhere"
	case d.Was.Op == OpList:
		return "files came to " + d.Was.Path + " or went"
	default:
		return d.Was.Path + " changed"
	}
}

package fleet

import (
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/depend"
	"k8s.io/apimachinery/pkg/types"
)

// A sequence says which Applications begin after which others are settled: they depend
// on them, or are of a later wave of the same parent, whose waves wait for the health of
// child Applications.
type sequence struct {
	dependents map[*Member][]*Member
	children   map[*Member][]*Member
}

func (c *check) sequence() *sequence {
	s := &sequence{map[*Member][]*Member{}, map[*Member][]*Member{}}
	for _, m := range c.apps {
		for _, parent := range m.parents {
			if parent != m {
				s.children[parent] = append(s.children[parent], m)
			}
		}
		for _, name := range c.dependsOn(m) {
			if other := c.named(m, name); other != nil {
				s.dependents[other] = append(s.dependents[other], m)
			}
		}
	}
	return s
}

// dependsOn lists the Applications that one waits for.
func (c *check) dependsOn(m *Member) []types.NamespacedName {
	if m.App.Annotations[api.AnnotationDependsOn] == "" {
		return nil
	}
	list, err := depend.On(m.App)
	if err != nil {
		return nil // told by dependencies
	}
	return list
}

// after lists the Applications that begin only when one is settled.
func (s *sequence) after(first *Member) map[*Member]bool {
	begun, settled := map[*Member]bool{}, map[*Member]bool{first: true}
	queue := []*Member{first}
	settle := func(m *Member) {
		if !settled[m] {
			settled[m] = true
			queue = append(queue, m)
		}
	}
	begin := func(m *Member) {
		for todo := []*Member{m}; len(todo) > 0; todo = todo[1:] {
			if at := todo[0]; !begun[at] {
				begun[at] = true
				settle(at)
				todo = append(todo, s.children[at]...)
			}
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, m := range s.dependents[at] {
			begin(m)
		}
		for _, parent := range at.parents {
			settle(parent) // for its health is that of its children
			for _, sibling := range s.children[parent] {
				if wave(sibling) > wave(at) {
					begin(sibling)
				}
			}
		}
	}
	return begun
}

// wave is that of an Application among its parent's objects.
func wave(m *Member) int { return api.SyncWave(m.Object.Annotations) }

package validate

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/shelf"
)

// Remembering returns a Checker that passes over objects in which an earlier one of
// the same program found nothing, at that place, for the same version and by the same
// definitions. Keep is for the next one.
func (c *Checker) Remembering(on shelf.Keeper, program, place string) *Checker {
	with := *c
	with.cleared = shelf.NewCleared(on, "objects", program, c.version.Name, c.custom.digest(), place)
	return &with
}

// Keep keeps what was seen to be in order.
func (c *Checker) Keep() { c.cleared.Keep() }

// digest tells definitions from all others.
func (d *Definitions) digest() string {
	var hashes []string
	kinds := slices.SortedFunc(maps.Keys(d.kinds), func(a, b schema.GroupKind) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Kind, b.Kind))
	})
	for _, kind := range kinds {
		hashes = append(hashes, d.kinds[kind].object.Hash())
	}
	return strings.Join(hashes, " ")
}

package git

import (
	"path"
	"slices"
	"strings"
)

// maxLinks is how many links one look-up may pass, as in Linux.
const maxLinks = 40

// A link is a symbolic link that a walk went through.
type link struct{ at, target string }

// follow returns what is left to walk once the link n at path at is replaced by
// its target.
func (w *walk) follow(at string, n *node, rest string) (string, error) {
	target, err := w.tree.source.readLink(at, n.id)
	if err != nil {
		return "", w.tree.broken(at, err)
	}
	if w.links++; w.links > maxLinks {
		return "", failf(ErrLink, "link %s -> %s: more than %d links in a row, probably a loop", at, target, maxLinks)
	}
	if target == "" || path.IsAbs(target) {
		return "", failf(ErrLink, "link %s -> %s: only relative links are followed", at, target)
	}
	if slices.Contains(strings.Split(target, "/"), "..") {
		w.climbs = link{at, target}
	}
	if rest == "" {
		return target, nil
	}
	return target + "/" + rest, nil
}

// up leaves the directory for the one above it. Names have no "..", so a walk
// that would leave the tree is on the target of a link.
func (w *walk) up() error {
	if len(w.above) == 1 {
		return failf(ErrLink, "link %s -> %s leaves the tree", w.climbs.at, w.climbs.target)
	}
	w.above = w.above[:len(w.above)-1]
	return nil
}

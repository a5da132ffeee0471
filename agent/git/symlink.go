package git

import "path"

// maxLinks is how many links one look-up may pass, as in Linux.
const maxLinks = 40

// A link is a symbolic link that a walk went through.
type link struct{ at, target string }

// follow puts the target of the link n, which is at path at, before the way
// that is left.
func (w *walk) follow(at string, n *node) error {
	here := w.here().tree
	target, err := here.source.readLink(at, n.id)
	if err != nil {
		return here.broken(at, err)
	}
	if w.links++; w.links > maxLinks {
		return failf(ErrLink, "link %s -> %s: more than %d links in a row, probably a loop", at, target, maxLinks)
	}
	if target == "" || path.IsAbs(target) {
		return failf(ErrLink, "link %s -> %s: only relative links are followed", at, target)
	}
	w.todo = append(w.todo, leg{target, link{at, target}})
	return nil
}

// up leaves the directory for the one above it. Names have no "..", so it is
// the target of a link that says so.
func (w *walk) up(from link) error {
	if len(w.above) == 1 {
		return failf(ErrLink, "link %s -> %s leaves the tree", from.at, from.target)
	}
	w.above = w.above[:len(w.above)-1]
	return nil
}

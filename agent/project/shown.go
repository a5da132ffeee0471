package project

import (
	"strconv"
	"strings"
)

// maxShown is the length of the longest name in Kubernetes.
const maxShown = 253

// shown returns a name out of a manifest in a form that is safe in a message, whatever
// is in it: of bounded length, on one line, quoted if it is not plain.
func shown(name string) string {
	if len(name) > maxShown {
		name = strings.ToValidUTF8(name[:maxShown], "") + "…"
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) || r == ' ' }) {
		return strconv.Quote(name)
	}
	return name
}

// shownGroup returns a group as it is written in a list: the core group's name is empty.
func shownGroup(group string) string {
	if group == "" {
		return `""`
	}
	return shown(group)
}

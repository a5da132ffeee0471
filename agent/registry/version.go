package registry

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// digestForm is how content names itself.
var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// choose finds what a revision stands for among versions: the version of that
// very name, or else the greatest one within the constraint. As in Helm,
// prereleases count only if the constraint names one. An empty revision, or HEAD,
// is the greatest release.
func choose(versions []string, revision string) (version string, ok bool) {
	if slices.Contains(versions, revision) {
		return revision, true
	}
	if revision == "" || revision == "HEAD" {
		revision = "*"
	}
	constraint, err := semver.NewConstraint(revision)
	if err != nil {
		return "", false
	}
	var best *semver.Version
	for _, name := range versions {
		v, err := semver.NewVersion(name)
		if err != nil || !constraint.Check(v) {
			continue
		}
		if best == nil || cmp.Or(v.Compare(best), strings.Compare(name, version)) > 0 {
			best, version = v, name
		}
	}
	return version, best != nil
}

// nearest returns up to five versions for a hint: those first that begin like
// what was asked for, and of these the greatest.
func nearest(versions []string, revision string) []string {
	revision = strings.TrimLeft(revision, "^~=<>v ")
	sorted := slices.Clone(versions)
	slices.SortFunc(sorted, func(a, b string) int {
		return cmp.Or(shared(b, revision)-shared(a, revision), compareVersions(b, a))
	})
	return sorted[:min(5, len(sorted))]
}

// shared counts the letters that two names begin with.
func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// compareVersions puts what is no version before all that are.
func compareVersions(a, b string) int {
	x, errX := semver.NewVersion(a)
	y, errY := semver.NewVersion(b)
	switch {
	case errX == nil && errY == nil:
		return x.Compare(y)
	case errX == nil:
		return 1
	case errY == nil:
		return -1
	}
	return strings.Compare(a, b)
}

// hintOf names what there is instead.
func hintOf(what string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%.60q", name)
		if name == strings.Map(printable, name) && len(name) <= 60 {
			quoted[i] = name
		}
	}
	return what + " " + strings.Join(quoted, ", ")
}

// printable drops what does not belong on a terminal.
func printable(c rune) rune {
	if c < ' ' || c > '~' {
		return -1
	}
	return c
}

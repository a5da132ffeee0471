package api

import (
	"regexp"
	"strings"
)

var commit = regexp.MustCompile(`^[0-9a-f]{40}$`)

// ShortRevision is a revision as people write it: a commit or a digest by its first
// letters, the version of a chart as it is.
func ShortRevision(revision string) string {
	const letters = 7
	digits, isDigest := strings.CutPrefix(revision, "sha256:")
	switch {
	case commit.MatchString(revision):
		return revision[:letters]
	case isDigest && len(digits) > letters:
		return revision[:len(revision)-len(digits)+letters]
	}
	return revision
}

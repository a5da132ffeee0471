package api

import (
	"slices"
	"strings"
)

// syncOptionValues lists every sync option's name and the values it knows.
var syncOptionValues = []struct {
	name   string
	values []string
}{
	{"ApplyOutOfSyncOnly", []string{"true", "false"}},
	{"ClientSideApplyMigration", []string{"true", "false"}},
	{"CreateNamespace", []string{"true", "false"}},
	{"Delete", []string{"true", "false", "confirm"}},
	{"FailOnSharedResource", []string{"true", "false"}},
	{"Force", []string{"true", "false"}},
	{"Prune", []string{"true", "false", "confirm"}},
	{"PruneLast", []string{"true", "false"}},
	{"PrunePropagationPolicy", []string{"foreground", "background", "orphan"}},
	{"Replace", []string{"true", "false"}},
	{"RespectIgnoreDifferences", []string{"true", "false"}},
	{"ServerSideApply", []string{"true", "false"}},
	{"SkipDryRunOnMissingResource", []string{"true", "false"}},
	{"Validate", []string{"true", "false"}},
}

func knownSyncOption(option string) bool {
	name, value, _ := strings.Cut(option, "=")
	for _, known := range syncOptionValues {
		if known.name == name {
			return slices.Contains(known.values, value)
		}
	}
	return false
}

// maxTypos is how many letters a misspelt option may be off.
const maxTypos = 3

// nearestSyncOption returns the option that was most likely meant. A name without a
// value is taken for name=true.
func nearestSyncOption(option string) (string, bool) {
	option = strings.ToLower(strings.Join(strings.Fields(option), ""))
	if !strings.Contains(option, "=") {
		option += "=true"
	}
	best, off := "", maxTypos+1
	for _, known := range syncOptionValues {
		for _, value := range known.values {
			candidate := known.name + "=" + value
			if d := distance(option, strings.ToLower(candidate)); d < off {
				best, off = candidate, d
			}
		}
	}
	return best, best != ""
}

// distance is the number of bytes to insert, delete or replace to make b of a, or a
// number over maxTypos if it is more than that.
func distance(a, b string) int {
	if d := len(a) - len(b); d > maxTypos || d < -maxTypos {
		return maxTypos + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// Nearest returns the name that was most likely meant by text, "" if none is near.
func Nearest(text string, names []string) string {
	best, off := "", maxTypos+1
	for _, name := range names {
		if d := distance(strings.ToLower(text), strings.ToLower(name)); d < off && d < len(name) {
			best, off = name, d
		}
	}
	return best
}

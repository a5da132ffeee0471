package validate

import (
	"slices"
	"strconv"
	"strings"
)

// A step of a path: the key of a map, or the index in a list.
type step struct {
	name  string
	index int // -1 for the key of a map
}

// split takes a path apart: spec.ports[0].name, data[app.yaml]. What stands in
// brackets and is no number is a key.
func split(path string) []step {
	var steps []step
	for path != "" {
		if path[0] == '.' {
			path = path[1:]
			continue
		}
		if path[0] == '[' {
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return steps
			}
			steps = append(steps, bracket(path[1:end]))
			path = path[end+1:]
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		steps = append(steps, step{path[:end], -1})
		path = path[end:]
	}
	return steps
}

func bracket(text string) step {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return step{text, n}
	}
	return step{text, -1}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

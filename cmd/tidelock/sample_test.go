package main

import (
	"testing"

	"github.com/tidelock-io/tidelock/plugins/pluginstest"
)

// sample is one in eight of what is of one kind, if the race detector is on, which
// makes a multiple of the time that each takes; without it all is run, see
// `test-stories` in the Makefile.
func sample[T any](all []T) []T {
	if !pluginstest.Race {
		return all
	}
	var some []T
	for i := 0; i < len(all); i += 8 {
		some = append(some, all[i])
	}
	return some
}

// whole skips a test that the race detector would take minutes for, or that is about
// processes, which are built without it anyway.
func whole(t *testing.T) {
	t.Helper()
	if pluginstest.Race {
		t.Skip("run without the race detector")
	}
}

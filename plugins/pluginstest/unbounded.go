package pluginstest

import "testing"

// NeedsLimits skips a test of what memory a plugin may take, or does take, under
// the race detector: that takes a multiple itself, and the kernel's limits away.
// `make test` runs such tests once more without it.
func NeedsLimits(t testing.TB) {
	t.Helper()
	if Race {
		t.Skip("the race detector takes the limits of memory away")
	}
}

//go:build race

package pluginstest

// Race says that this program has the race detector in it.
const Race = true

//go:build !race

package pluginstest_test

const raceEnabled = false

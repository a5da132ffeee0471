//go:build race

package host

import "os"

// raceEnv hands on what the race detector is told, which this program has in it,
// and so, in tests, have the plugins that it runs as.
func raceEnv() []string {
	if value, ok := os.LookupEnv("GORACE"); ok {
		return []string{"GORACE=" + value}
	}
	return nil
}

//go:build !race

package host

func raceEnv() []string { return nil }

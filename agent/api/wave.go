package api

import "strconv"

// SyncWave reads the wave of an object from its annotations, else Helm's hook
// weight; what is no integer counts as 0 (SEMANTICS 2.1).
func SyncWave(annotations map[string]string) int {
	for _, name := range []string{AnnotationSyncWave, AnnotationHelmHookWeight} {
		if wave, err := strconv.Atoi(annotations[name]); err == nil {
			return wave
		}
	}
	return 0
}

package api

import "strings"

// AllowedLeaks are the keys that the annotations of an Application name: see
// [AnnotationAllowLeak].
func AllowedLeaks(annotations map[string]string) (keys []string) {
	for key := range strings.SplitSeq(annotations[AnnotationAllowLeak], ",") {
		if key = strings.TrimSpace(key); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

package api

import "testing"

func TestLintAnnotation(t *testing.T) {
	for _, tt := range []struct{ name, meant string }{
		{"argocd.argoproj.io/sync-wav", AnnotationSyncWave},
		{"argocd.argoproj.io/Hook", AnnotationHook},
		{"tidelock.io/depend-on", AnnotationDependsOn},
		{"tidelock.io/completely-other", ""},
	} {
		if message, meant := LintAnnotation(tt.name); message == "" || meant != tt.meant {
			t.Errorf("%s: got %q, %q, want %q", tt.name, message, meant, tt.meant)
		}
	}
	for _, name := range append([]string{"argocd.argoproj.io/of-some-later-version", "example.com/sync-wave", "sync-wave", "link.argocd.argoproj.io/logs"}, annotationNames...) {
		if message, _ := LintAnnotation(name); message != "" {
			t.Errorf("%s: %s", name, message)
		}
	}
}

package main

import (
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sdk/sdktest"
)

// TestGolden renders the trees of testdata. -update writes what comes of them.
func TestGolden(t *testing.T) { sdktest.Golden(t, renderer{}) }

// FuzzParse: whatever a file holds, it is read or refused, and never by a panic.
func FuzzParse(f *testing.F) {
	f.Add("service web\n  image nginx:1.27\n  port 80\n")
	f.Fuzz(func(t *testing.T, text string) {
		services, err := parse("a.tiny", text)
		for _, s := range services {
			if err == nil && (s.image == "" || !name.MatchString(s.name)) {
				t.Errorf("read %q as %+v", text, s)
			}
		}
	})
}

// Package release says which release of Tidelock a program is of. All of its
// programs say the same.
package release

import "runtime/debug"

// version is set by the linker in a release.
var version = ""

// Text is the version of a release. A build from source says its commit, if Go
// knew it.
func Text() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return "devel-" + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "devel"
}

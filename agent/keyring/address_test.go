package keyring

import (
	"strings"
	"testing"
)

func TestSameAddress(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"https://git.example.com/org/repo", "https://git.example.com/org/repo", true},
		{"https://git.example.com/org/repo", "https://git.example.com/Org/repo.git/", true},
		{"https://git.example.com/org/repo", "https://user@git.example.com:443/org/repo", true},
		{"git@git.example.com:org/repo.git", "ssh://git@git.example.com:22/org/repo", true},
		{"git@git.example.com:/org/repo", "ssh://git.example.com/org/repo", true},
		{"git.example.com/org/repo", "https://git.example.com/org/repo", true},
		{"/srv/git/repo", "/srv/git/repo/", true},
		{"oci://ghcr.io/org/charts", "ghcr.io/org/charts", true},
		{"oci://registry.local:5000/charts", "registry.local:5000/charts", true},
		{"oci://registry.local:5000", "registry.local:5000", true},

		{"https://git.example.com/org/repo", "http://git.example.com/org/repo", false},
		{"https://git.example.com/org/repo", "https://git.example.com:8443/org/repo", false},
		{"https://git.example.com/org/repo", "ssh://git.example.com/org/repo", false},
		{"ssh://git@git.example.com/org/repo", "ssh://git@git.example.com:2222/org/repo", false},
		{"https://git.example.com/org/repo", "https://git.example.com.evil.com/org/repo", false},
		{"https://git.example.com/org/repo", "https://git.example.com@evil.com/org/repo", false},
		{"https://git.example.com/org/repo", "https://git.example.com/org/other/../repo", false},
		{"https://git.example.com/org/repo", "https://git.example.com/org/repo2", false},
		{"https://git.example.com/org/repo", "", false},
		{"oci://ghcr.io/org/charts", "http://ghcr.io/org/charts", false},
		{"", "", true}, // no Secret has an empty url
	} {
		if got := sameAddress(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestBelow(t *testing.T) {
	for _, tt := range []struct {
		url, prefix string
		want        bool
	}{
		{"https://git.example.com/org/repo", "https://git.example.com", true},
		{"https://git.example.com/org/repo", "https://git.example.com/", true},
		{"https://git.example.com/org/repo.git", "https://git.example.com/org", true},
		{"https://git.example.com/org/repo.git", "https://git.example.com/org/repo", true},
		{"git@git.example.com:org/repo", "git@git.example.com:org", true},
		{"git@git.example.com:org/repo", "git@git.example.com:", true},
		{"ssh://git@git.example.com/org/repo", "git@git.example.com:org/", true},

		{"https://git.example.com/organisation/repo", "https://git.example.com/org", false},
		{"https://git.example.com.evil.com/org/repo", "https://git.example.com", false},
		{"https://git.example.com:8443/org/repo", "https://git.example.com", false},
		{"http://git.example.com/org/repo", "https://git.example.com", false},
		{"https://git.example.com/org/../other/repo", "https://git.example.com/org", false},
		{"https://git.example.com/org/%2e%2e/other/repo", "https://git.example.com/org", false},
	} {
		if got := below(tt.url, tt.prefix); got != tt.want {
			t.Errorf("%q below %q: %v, want %v", tt.url, tt.prefix, got, tt.want)
		}
	}
}

// FuzzAddress: whatever is the same is below, and nothing else of the same length.
func FuzzAddress(f *testing.F) {
	f.Add("https://git.example.com/org/repo", "https://git.example.com/org")
	f.Add("git@git.example.com:org/repo", "ssh://git.example.com")
	f.Add("/a/b", "../a")
	f.Fuzz(func(t *testing.T, url, prefix string) {
		if sameAddress(url, prefix) != sameAddress(prefix, url) {
			t.Errorf("%q and %q are the same in one direction", url, prefix)
		}
		if sameAddress(url, prefix) && !below(url, prefix) {
			t.Errorf("%q is %q and not below it", url, prefix)
		}
		if a, ok := parseAddress(url); ok && strings.Contains("/"+a.path+"/", "/../") {
			t.Errorf("%q climbs: %+v", url, a)
		}
	})
}

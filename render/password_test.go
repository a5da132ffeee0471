package render

import "testing"

func TestMayHoldPassword(t *testing.T) {
	for address, want := range map[string]bool{
		"":                                 false,
		"https://git.example.com/a":        false,
		"https://user@git.example.com/a":   false,
		"https://user:pw@git.example.com":  true,
		"https://example.com/a.yaml?sig=x": true,
		"ssh://git@example.com/a":          false,
		"git@example.com:a?x":              true,
		"git@example.com:a":                false,
		"oci://example.com/%zz":            true,
	} {
		if got := mayHoldPassword(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

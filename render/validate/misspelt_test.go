package validate

import "testing"

func TestSlipped(t *testing.T) {
	for _, tt := range []struct {
		word, known string
		want        bool
	}{
		{"Appication", "Application", true}, //nolint:misspell // it is to be
		{"Applicationn", "Application", true},
		{"Appliaction", "Application", true},
		{"Applicatiom", "Application", true},
		{"application", "Application", true},
		{"Application", "Application", false},
		{"ApplicationSet", "Application", false},
		{"Widgets", "Widget", false},
		{"Widget", "Widgets", false},
		{"Pot", "Pod", false},
		{"Bucket", "Budget", false},
		{"", "Widget", false},
	} {
		if got := slipped(tt.word, tt.known); got != tt.want {
			t.Errorf("%q for %q: got %v", tt.word, tt.known, got)
		}
	}
}

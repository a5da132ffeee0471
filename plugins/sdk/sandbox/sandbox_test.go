package sandbox_test

import (
	"fmt"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
)

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		name           string
		granted, needs sandbox.Grants
		want           string
	}{
		{"nothing of nothing", sandbox.Grants{}, sandbox.Grants{}, "<nil>"},
		{"network", sandbox.Grants{}, sandbox.Grants{Network: true}, "it needs the network, which was not granted"},
		{"network granted", sandbox.Grants{Network: true}, sandbox.Grants{Network: true}, "<nil>"},
		{"a file below", sandbox.Grants{Files: []string{"/usr"}}, sandbox.Grants{Files: []string{"/usr/bin"}}, "<nil>"},
		{"a file beside", sandbox.Grants{Files: []string{"/usr/bin"}}, sandbox.Grants{Files: []string{"/usr/bin2"}}, "it needs /usr/bin2, which was not granted"},
		{"reading what may be written", sandbox.Grants{Write: []string{"/tmp"}}, sandbox.Grants{Files: []string{"/tmp/a"}}, "<nil>"},
		{"writing what may be read", sandbox.Grants{Files: []string{"/tmp"}}, sandbox.Grants{Write: []string{"/tmp"}, Exec: true}, "it needs starting programs and /tmp, which was not granted"},
		{"a scratch directory", sandbox.Grants{}, sandbox.Grants{Scratch: true}, "it needs a scratch directory, which was not granted"},
		{"everything", sandbox.Grants{Files: []string{"/"}}, sandbox.Grants{Files: []string{"/etc"}}, "<nil>"},
	} {
		if got := fmt.Sprint(tt.granted.Covers(tt.needs)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

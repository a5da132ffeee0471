package testenv_test

import (
	"context"
	"os"
	"testing"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// TestTools builds the programs that other tests compare with.
func TestTools(t *testing.T) {
	for _, module := range []string{testenv.KustomizeTool, testenv.HelmTool, testenv.SOPSTool} {
		path, err := testenv.Tool(context.Background(), module)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

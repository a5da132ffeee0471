package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// TestAudited runs the stories in testdata/audited, in which what the agent asks
// the API server for counts.
func TestAudited(t *testing.T) {
	w := newWorld(t, testenv.ServiceAccountUser("agent-refresh", "tidelock"))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/audited",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return w.begin(t.Context(), env) },
		Cmds:                commands(),
	})
}

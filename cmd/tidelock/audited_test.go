package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// TestAudited has a cluster in which nothing happens but what one test after the
// other does, so that what an agent asks the API server for can be counted. Its
// stories are in testdata/audited.
func TestAudited(t *testing.T) { //nolint:tparallel // its parts take turns, see above
	t.Parallel()
	whole(t)
	w := newWorld(t, testenv.ServiceAccountUser("agent-steady", "tidelock"), testenv.ServiceAccountUser("agent-refresh", "tidelock"))
	t.Run("steady", w.steady)
	testscript.RunT(inTurn{t}, testscript.Params{
		Dir:                 "testdata/audited",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return w.begin(t.Context(), env) },
		Cmds:                commands(),
	})
	t.Run("faults", w.faults)
}

// inTurn has stories run one after the other.
type inTurn struct{ *testing.T }

func (t inTurn) Run(name string, story func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { story(inTurn{t}) })
}

func (inTurn) Parallel() {}

func (inTurn) Verbose() bool { return testing.Verbose() }

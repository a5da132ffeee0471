package main

import (
	"runtime"
	"testing"
	"weak"

	"github.com/tidelock-io/tidelock/agent/api"
)

// What asks an Application's project is kept with a commit, and the Application is not.
func TestPermitSourceLetsGo(t *testing.T) {
	t.Parallel()
	e := &engine{}
	app := &api.Application{}
	ask, held := e.permitSource(app), weak.Make(app)
	for range 3 { // what a first collection finds unused may be freed by the next
		runtime.GC()
	}
	if held.Value() != nil {
		t.Error("the Application is still held")
	}
	runtime.KeepAlive(ask)
}

package directory_test

import (
	"testing"

	"github.com/tidelock-io/tidelock/plugins/directory"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
)

func TestMain(m *testing.M) { pluginstest.Main(m, directory.Plugin("test")) }

func TestGolden(t *testing.T) { pluginstest.Golden(t, "directory") }

func TestSuite(t *testing.T) {
	pluginstest.Renderer(t, pluginstest.Sample{
		Plugin: "directory", Path: "app",
		Tree:  pluginstest.ParseTree("-- app/a.yaml --\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"),
		Reads: "app/a.yaml",
	})
}

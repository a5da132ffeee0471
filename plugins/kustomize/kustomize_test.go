package kustomize_test

import (
	"testing"

	"github.com/tidelock-io/tidelock/plugins/helm"
	"github.com/tidelock-io/tidelock/plugins/kustomize"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
)

func TestMain(m *testing.M) { pluginstest.Main(m, kustomize.Plugin("test"), helm.Plugin("test")) }

func TestGolden(t *testing.T) { pluginstest.Golden(t, "kustomize", "helm") }

func TestSuite(t *testing.T) {
	pluginstest.Renderer(t, pluginstest.Sample{
		Plugin: "kustomize", Path: "staging", Tree: pluginstest.ParseTree(service), Reads: "base/service.yaml",
	})
}

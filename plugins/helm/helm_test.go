package helm_test

import (
	"testing"

	"github.com/tidelock-io/tidelock/plugins/helm"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
)

func TestMain(m *testing.M) { pluginstest.Main(m, helm.Plugin("test")) }

func TestGolden(t *testing.T) { pluginstest.Golden(t, "helm") }

func TestSuite(t *testing.T) {
	pluginstest.Renderer(t, pluginstest.Sample{
		Plugin: "helm", Path: "charts/shop", Reads: "charts/shop/templates/config.yaml",
		Tree: pluginstest.ParseTree(`
-- charts/shop/Chart.yaml --
apiVersion: v2
name: shop
version: 1.0.0
-- charts/shop/values.yaml --
greeting: hello
-- charts/shop/templates/config.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {greeting: {{ .Values.greeting | quote }}}
`),
	})
}

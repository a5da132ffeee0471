package testenv

import "testing"

func TestToolName(t *testing.T) {
	for module, want := range map[string]string{
		KustomizeTool:                         "kustomize",
		HelmTool:                              "helm",
		"example.com/vault@v1.2.3":            "vault",
		"example.com/tools/v2/cmd/v@v2.0.0":   "v",
		"example.com/very/versatile/v@v0.0.1": "v",
	} {
		if got := toolName(module); got != want {
			t.Errorf("toolName(%s) = %s, want %s", module, got, want)
		}
	}
}

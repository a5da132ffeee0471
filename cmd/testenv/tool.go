package testenv

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// Tools that people use for what Tidelock does itself, to compare with.
const (
	// KustomizeTool is a release of kustomize.
	KustomizeTool = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1"
	// HelmTool is the release of Helm whose library Tidelock uses.
	HelmTool = "helm.sh/helm/v4/cmd/helm@v4.3.1"
	// KubeconformTool checks manifests by JSON schemas.
	KubeconformTool = "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"
	// SOPSTool is the release of sops whose library Tidelock uses.
	SOPSTool = "github.com/getsops/sops/v3/cmd/sops@v3.13.3"
)

// Tool returns the path of a program of another module, named as for `go
// install`. It is built once and kept in bin, so that later calls take no time;
// two processes may ask at once.
func Tool(ctx context.Context, module string) (string, error) {
	return built(strings.NewReplacer("/", "_", "@", "_").Replace(module), toolName(module), func(dir string) error {
		cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags", "-s -w", module)
		cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "CGO_ENABLED=0")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", module, err, bytes.TrimSpace(output))
		}
		return nil
	})
}

// built returns the path of a program that build puts into a directory, unless it
// was built before.
func built(place, name string, build func(dir string) error) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, "bin", "tools", place)
	if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
		return filepath.Join(dir, name), nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	building, err := os.MkdirTemp(filepath.Dir(dir), ".building-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(building)
	if err := build(building); err != nil {
		return "", err
	}
	// Who comes second finds the first one's directory, which holds the same.
	if err := os.Rename(building, dir); err != nil && !os.IsExist(err) {
		return "", err
	}
	return filepath.Join(dir, name), nil
}

// toolName is what `go install` calls a module's program: its last element that
// is no version.
func toolName(module string) string {
	name, _, _ := strings.Cut(module, "@")
	if base := path.Base(name); len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		name = path.Dir(name)
	}
	return path.Base(name)
}

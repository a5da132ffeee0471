package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/controlplane/process"
)

// ArgoCDVariable names the program that runs a real Argo CD, which `make argocd` builds
// and tries. It takes many minutes the first time, so nothing else does.
const ArgoCDVariable = "TIDELOCK_TEST_ARGOCD"

// argoReady bounds the start of an Argo CD, which takes seconds.
const argoReady = 3 * time.Minute

// ArgoCDOptions say how to run Argo CD.
type ArgoCDOptions struct {
	Binary     string
	Kubeconfig string
	Namespace  string
	Dir        string
	// Env are its settings, as its Deployments have them: ARGOCD_...=...
	Env []string
}

// An ArgoCD is a real one: its application controller, applicationset controller and
// repo server.
type ArgoCD struct {
	options ArgoCDOptions
	path    string
	process *process.Process
}

// StartArgoCD runs an Argo CD and waits until it can work.
func StartArgoCD(ctx context.Context, o ArgoCDOptions) (*ArgoCD, error) {
	a := &ArgoCD{options: o, path: os.Getenv("PATH")}
	for _, module := range []string{HelmTool, KustomizeTool} {
		tool, err := Tool(ctx, module)
		if err != nil {
			return nil, err
		}
		a.path = filepath.Dir(tool) + string(filepath.ListSeparator) + a.path
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	return a, a.Start(ctx)
}

// Start runs it again after it ended.
func (a *ArgoCD) Start(ctx context.Context) error {
	o := a.options
	cmd := exec.CommandContext(context.WithoutCancel(ctx), o.Binary, "--kubeconfig", o.Kubeconfig, "--namespace", o.Namespace, "--dir", o.Dir)
	cmd.Env = append([]string{"PATH=" + a.path}, o.Env...)
	ready := filepath.Join(o.Dir, "ready")
	if err := os.Remove(ready); err != nil && !os.IsNotExist(err) {
		return err
	}
	var err error
	if a.process, err = start("devargocd", cmd, filepath.Join(o.Dir, "devargocd.log")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, argoReady)
	defer cancel()
	err = a.process.AwaitUp(ctx, func(context.Context) bool {
		_, err := os.Stat(ready)
		return err == nil
	})
	if err != nil {
		a.process.Kill()
	}
	return err
}

// Stop ends it. What it has written stays.
func (a *ArgoCD) Stop() error { return a.process.Stop() }

// Log is the path of the log of a part, such as argocd-application-controller.
func (a *ArgoCD) Log(part string) string { return filepath.Join(a.options.Dir, "logs", part+".log") }

// ApplyArgoCRDs makes the cluster serve Applications and their like by Argo CD's own
// definitions, of the version that cmd/devargocd runs.
func (c *Cluster) ApplyArgoCRDs(ctx context.Context) error {
	root, err := Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-C", filepath.Join(root, "cmd", "devargocd"), "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-cd/v3")
	output, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("find Argo CD's module: %w", err)
	}
	for _, kind := range []string{"application", "appproject", "applicationset"} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(output)), "manifests", "crds", kind+"-crd.yaml"))
		if err != nil {
			return err
		}
		if err := c.applyDefinitions(ctx, string(text)); err != nil {
			return err
		}
	}
	return nil
}

package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/controlplane/process"
)

// ExternalSecretsModule is the release of external-secrets whose code Tidelock's
// plugin uses.
const ExternalSecretsModule = "github.com/external-secrets/external-secrets@v0.20.4"

// registers are the two files by which external-secrets' controller knows all of
// its providers and generators. Some of these can be had no more, so it gets
// those that a comparison needs.
var registers = map[string][]string{
	"pkg/provider/register/register.go":  {"pkg/provider/fake", "pkg/provider/kubernetes"},
	"pkg/generator/register/register.go": {"pkg/generator/fake", "pkg/generator/password", "pkg/generator/sshkey", "pkg/generator/uuid"},
}

// ExternalSecrets returns external-secrets' own controller, and the file with
// the CustomResourceDefinitions that it serves. It is built once, as Tool does.
func ExternalSecrets(ctx context.Context) (program, definitions string, err error) {
	root, err := Root()
	if err != nil {
		return "", "", err
	}
	source, err := moduleSource(ctx, ExternalSecretsModule)
	if err != nil {
		return "", "", err
	}
	definitions = filepath.Join(source, "deploy", "crds", "bundle.yaml")
	dir := filepath.Join(root, "bin", "tools", strings.NewReplacer("/", "_", "@", "_").Replace(ExternalSecretsModule))
	program = filepath.Join(dir, "external-secrets")
	if _, err := os.Stat(program); err == nil {
		return program, definitions, nil
	}
	building, err := os.MkdirTemp("", "external-secrets-")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(building)
	if err := os.CopyFS(building, os.DirFS(source)); err != nil {
		return "", "", err
	}
	if err := register(building); err != nil {
		return "", "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	made := program + "." + filepath.Base(building)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", made, ".")
	cmd.Dir, cmd.Env = building, append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0", "GOWORK=off")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("build %s: %w\n%s", ExternalSecretsModule, err, bytes.TrimSpace(output))
	}
	return program, definitions, os.Rename(made, program)
}

// register rewrites registers.
func register(dir string) error {
	for file, packages := range registers {
		text := "package register\n"
		for _, name := range packages {
			module, _, _ := strings.Cut(ExternalSecretsModule, "@")
			text += fmt.Sprintf("\nimport _ %q\n", module+"/"+name)
		}
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.Remove(path); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// moduleSource returns the directory of a module's files, which is read-only.
func moduleSource(ctx context.Context, module string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir, cmd.Env = os.TempDir(), append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w\n%s", module, err, bytes.TrimSpace(output))
	}
	var got struct{ Dir string }
	if err := json.Unmarshal(output, &got); err != nil || got.Dir == "" {
		return "", fmt.Errorf("download %s: %s", module, output)
	}
	return got.Dir, nil
}

// restarts is how often a controller that ends by itself is started again.
const restarts = 20

// A Controller is a program that runs against a cluster, and is started again when
// it ends by itself, as a kubelet would: its fake provider writes one map from
// several goroutines, of which Go makes a crash when it sees it.
type Controller struct {
	stop    context.CancelFunc
	running errgroup.Group
	log     string
}

// StartExternalSecrets runs external-secrets' controller against c, with its
// output in a file of dir.
func StartExternalSecrets(ctx context.Context, c *Cluster, dir string) (*Controller, error) {
	program, definitions, err := ExternalSecrets(ctx)
	if err != nil {
		return nil, err
	}
	bundle, err := os.ReadFile(definitions)
	if err != nil {
		return nil, err
	}
	if err := c.applyDefinitions(ctx, strings.Split(strings.TrimPrefix(string(bundle), "---\n"), "\n---\n")...); err != nil {
		return nil, err
	}
	controller := &Controller{log: filepath.Join(dir, "external-secrets.log")}
	ctx = context.WithoutCancel(ctx)
	begin := func() (*process.Process, error) {
		cmd := exec.CommandContext(ctx, program, "--metrics-addr=127.0.0.1:0", "--live-addr=127.0.0.1:0", "--concurrent=4",
			"--enable-push-secret-reconciler=false", "--enable-cluster-push-secret-reconciler=false")
		cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
		return start("external-secrets", cmd, controller.log)
	}
	first, err := begin()
	if err != nil {
		return nil, err
	}
	keeping, stop := context.WithCancel(ctx)
	controller.stop = stop
	controller.running.Go(func() error { return keep(keeping, first, begin) })
	return controller, nil
}

// keep has a program run until ctx ends.
func keep(ctx context.Context, running *process.Process, begin func() (*process.Process, error)) error {
	for range restarts {
		select {
		case <-ctx.Done():
			running.Kill()
			return nil
		case <-running.Exited():
		}
		var err error
		if running, err = begin(); err != nil {
			return err
		}
	}
	running.Kill()
	return fmt.Errorf("it has ended %d times", restarts)
}

// Stop ends it. It returns an error if it was not to be kept running.
func (c *Controller) Stop() error {
	c.stop()
	if err := c.running.Wait(); err != nil {
		return fmt.Errorf("external-secrets: %w; the end of its log %s:\n%s", err, c.log, Tail(c.log, 20))
	}
	return nil
}

// Log is the path of what it prints.
func (c *Controller) Log() string { return c.log }

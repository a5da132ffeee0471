package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/controlplane/process"
)

// sealedSecrets is the release of sealed-secrets whose library Tidelock uses. It
// declares another path than it is at, so that `go install` refuses it.
const sealedSecrets = "github.com/bitnami-labs/sealed-secrets@v0.40.0"

// SealedSecretsTool returns the path of a program of sealed-secrets: "kubeseal" or
// "controller". The controller reaches the cluster that $KUBECONFIG names, which
// is its only difference from the released one: that would be in a pod.
func SealedSecretsTool(ctx context.Context, name string) (string, error) {
	place := strings.NewReplacer("/", "_", "@", "_").Replace(sealedSecrets) + "_" + name
	return built(place, name, func(dir string) error {
		source := filepath.Join(dir, "source")
		defer os.RemoveAll(source)
		if err := sealedSecretsSource(ctx, source); err != nil {
			return err
		}
		if name == "controller" {
			if err := outOfCluster(filepath.Join(source, "pkg", "controller", "main.go")); err != nil {
				return err
			}
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), "./cmd/"+name)
		cmd.Dir = source
		cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=off", "CGO_ENABLED=0")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s of %s: %w\n%s", name, sealedSecrets, err, bytes.TrimSpace(output))
		}
		return nil
	})
}

// sealedSecretsSource copies the module's files.
func sealedSecretsSource(ctx context.Context, to string) error {
	dir, err := sealedSecretsModule(ctx)
	if err != nil {
		return err
	}
	for _, part := range []string{"cmd", "pkg"} {
		if err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(dir, part))); err != nil {
			return fmt.Errorf("copy %s: %w", sealedSecrets, err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, file), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// sealedSecretsModule is where the module's files are.
func sealedSecretsModule(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", sealedSecrets)
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w\n%s", sealedSecrets, err, bytes.TrimSpace(output))
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(output, &module); err != nil {
		return "", err
	}
	return module.Dir, nil
}

// outOfCluster makes the controller read a kubeconfig.
func outOfCluster(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, change := range [][2]string{
		{`rest.InClusterConfig()`, `clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))`},
		{`"k8s.io/client-go/rest"`, `"k8s.io/client-go/tools/clientcmd"`},
	} {
		if bytes.Count(text, []byte(change[0])) != 1 {
			return fmt.Errorf("%s does not have %s once", file, change[0])
		}
		text = bytes.ReplaceAll(text, []byte(change[0]), []byte(change[1]))
	}
	if err := os.Chmod(file, 0o600); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// ServeSealedSecrets makes the cluster serve SealedSecrets, with the definition of
// their own release.
func (c *Cluster) ServeSealedSecrets(ctx context.Context) error {
	dir, err := sealedSecretsModule(ctx)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, "helm", "sealed-secrets", "crds", "bitnami.com_sealedsecrets.yaml"))
	if err != nil {
		return err
	}
	crd := new(unstructured.Unstructured)
	if err := yaml.Unmarshal(text, &crd.Object); err != nil {
		return err
	}
	options := metav1.ApplyOptions{FieldManager: FieldManager, Force: true}
	if _, err := c.Dynamic.Resource(definitions).Apply(ctx, crd.GetName(), crd, options); err != nil {
		return fmt.Errorf("apply CustomResourceDefinition %s: %w", crd.GetName(), err)
	}
	return c.Until(ctx, definitions, "", crd.GetName(), established)
}

// A SealedSecretsController is a process of the real controller.
type SealedSecretsController struct {
	URL     string // of /v1/cert.pem, /v1/verify and /v1/rotate
	process *process.Process
}

// controllerReady bounds its start, in which it makes a key.
const controllerReady = 2 * time.Minute

// StartSealedSecrets runs the controller, with its keys in a namespace and its log
// in a file.
func (c *Cluster) StartSealedSecrets(ctx context.Context, namespace, log string, flags ...string) (*SealedSecretsController, error) {
	binary, err := SealedSecretsTool(ctx, "controller")
	if err != nil {
		return nil, err
	}
	listen, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	metrics, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), binary, append([]string{
		"--listen-addr", listen, "--listen-metrics-addr", metrics, "--kubeclient-qps", "-1", "--rate-limit", "1000", "--rate-limit-burst", "1000",
	}, flags...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "POD_NAMESPACE="+namespace)
	s := &SealedSecretsController{URL: "http://" + listen}
	if s.process, err = start("sealed-secrets controller", cmd, log); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, controllerReady)
	defer cancel()
	err = s.process.AwaitUp(ctx, func(ctx context.Context) bool {
		_, err := s.Certificate(ctx)
		return err == nil
	})
	if err != nil {
		s.process.Kill()
		return nil, err
	}
	return s, nil
}

// Certificate is that of the newest key, in PEM.
func (s *SealedSecretsController) Certificate(ctx context.Context) ([]byte, error) {
	return get(ctx, s.URL+"/v1/cert.pem")
}

// Opens asks the controller whether it can open a SealedSecret, in JSON.
func (s *SealedSecretsController) Opens(ctx context.Context, sealedSecret []byte) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/verify", bytes.NewReader(sealedSecret))
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusConflict:
		return false, nil
	}
	return false, errors.New(response.Status)
}

// Stop ends the controller.
func (s *SealedSecretsController) Stop() error { return s.process.Stop() }

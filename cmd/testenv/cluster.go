package testenv

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/controlplane/process"
)

// FieldManager is the owner of what this package applies.
const FieldManager = "testenv"

// clusterReady bounds the start of a cluster, which takes seconds.
const clusterReady = 2 * time.Minute

// A Cluster is a running control plane.
type Cluster struct {
	Dir        string
	Kubeconfig string       // of a cluster administrator
	Config     *rest.Config // the same, without client-side limits on the rate
	Typed      kubernetes.Interface
	Dynamic    dynamic.Interface
	// Audit has the requests of the users named at the start.
	Audit *AuditLog

	binary  string
	flags   []string
	process *process.Process
}

// StartCluster runs bin.Devcluster with its state in dir, going on with what is
// there. The requests of the users in audit are recorded.
func StartCluster(ctx context.Context, bin Binaries, dir string, audit ...string) (*Cluster, error) {
	return startControlPlane(ctx, bin, dir, nil, audit)
}

// StartWitnessed is StartCluster, with what a user sends of some resources recorded, too.
func StartWitnessed(ctx context.Context, bin Binaries, dir, user string, sent ...schema.GroupResource) (*Cluster, error) {
	return startControlPlane(ctx, bin, dir, nil, []string{user}, sent...)
}

// StartAPIServer is StartCluster without controllers and nodes: nothing acts on what is
// applied there.
func StartAPIServer(ctx context.Context, bin Binaries, dir string, audit ...string) (*Cluster, error) {
	return startControlPlane(ctx, bin, dir, []string{"--api-only"}, audit)
}

func startControlPlane(ctx context.Context, bin Binaries, dir string, how, audit []string, sent ...schema.GroupResource) (*Cluster, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &Cluster{Dir: dir, Kubeconfig: filepath.Join(dir, "kubeconfig"), binary: bin.Devcluster}
	flags := append([]string{"up", "--dir", dir}, how...)
	if len(audit) > 0 {
		log, policy, err := newAuditLog(dir, audit, sent...)
		if err != nil {
			return nil, err
		}
		c.Audit = log
		flags = append(flags, "--audit-log", log.path, "--audit-policy", policy)
	}
	if err := os.Remove(c.Kubeconfig); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	c.flags = flags
	return c, c.run(ctx)
}

// run starts the control plane, and waits until it is ready.
func (c *Cluster) run(ctx context.Context) (err error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.binary, c.flags...)
	if c.process, err = start("devcluster", cmd, filepath.Join(c.Dir, "devcluster.log")); err != nil {
		return err
	}
	if err := c.connect(ctx); err != nil {
		c.process.Kill()
		return err
	}
	return nil
}

// Restart ends the cluster and starts it again as it was: at another address, to which
// Config, Typed and Dynamic go from now on. What watches had seen before is too old for it
// to go on from.
func (c *Cluster) Restart(ctx context.Context) error {
	if err := c.Stop(); err != nil {
		return err
	}
	if err := os.Remove(c.Kubeconfig); err != nil && !os.IsNotExist(err) {
		return err
	}
	return c.run(ctx)
}

// connect waits for the kubeconfig, which is there once the cluster is ready.
func (c *Cluster) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, clusterReady)
	defer cancel()
	if err := c.process.AwaitUp(ctx, func(context.Context) bool {
		_, err := os.Stat(c.Kubeconfig)
		return err == nil
	}); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1 // no limit
	config.UserAgent = FieldManager
	config.WarningHandler = rest.NoWarnings{} // of old kinds, which searches list too
	c.Config = config
	if c.Typed, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	c.Dynamic, err = dynamic.NewForConfig(config)
	return err
}

// Stop ends the cluster. Its state stays in Dir.
func (c *Cluster) Stop() error { return c.process.Stop() }

// Exited is closed when the cluster has ended, however that came.
func (c *Cluster) Exited() <-chan struct{} { return c.process.Exited() }

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// ApplyCRDs makes the cluster serve Applications and their like.
func (c *Cluster) ApplyCRDs(ctx context.Context) error {
	return c.applyDefinitions(ctx, api.CRDs()...)
}

// applyDefinitions makes the cluster serve what CustomResourceDefinitions define.
func (c *Cluster) applyDefinitions(ctx context.Context, texts ...string) error {
	for _, text := range texts {
		crd := new(unstructured.Unstructured)
		if err := yaml.Unmarshal([]byte(text), &crd.Object); err != nil {
			return err
		}
		name := crd.GetName()
		options := metav1.ApplyOptions{FieldManager: FieldManager, Force: true}
		if _, err := c.Dynamic.Resource(definitions).Apply(ctx, name, crd, options); err != nil {
			return fmt.Errorf("apply CustomResourceDefinition %s: %w", name, err)
		}
		if err := c.Until(ctx, definitions, "", name, established); err != nil {
			return err
		}
	}
	return nil
}

func established(crd *unstructured.Unstructured) (bool, string) {
	if crd == nil {
		return false, "absent"
	}
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, item := range conditions {
		condition, _ := item.(map[string]any)
		if condition["type"] == "Established" {
			return condition["status"] == "True", fmt.Sprintf("Established is %v", condition["status"])
		}
	}
	return false, "not established"
}

// Dump writes all that etcd holds, as [Dump] reads it.
func (c *Cluster) Dump(ctx context.Context, w io.Writer) error {
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, c.binary, "dump", "--dir", c.Dir)
	cmd.Stdout, cmd.Stderr = w, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("dump the cluster in %s: %w: %s", c.Dir, err, stderr.String())
	}
	return nil
}

// Usage returns what the control plane has used since its start.
func (c *Cluster) Usage() (Usage, error) { return usageOf(c.process.PID()) }

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// patience bounds every wait. It is reached only when something is broken.
const patience = 2 * time.Minute

// cluster is a running devcluster.
type cluster struct {
	dir    string
	config *rest.Config
	*kubernetes.Clientset

	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// start runs devcluster up on dir until it says that it is ready.
func start(dir string, flags ...string) (*cluster, error) {
	c := &cluster{dir: dir, cmd: devcluster(append([]string{"up", "--dir", dir}, flags...)...)}
	c.cmd.Stderr = &c.stderr
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = c.cmd.Wait()
		return nil, errors.New(c.stderr.String())
	}
	path, ready := strings.CutPrefix(strings.TrimSpace(line), "ready: ")
	if !ready {
		return nil, errors.New("printed " + line)
	}
	if c.config, err = clientcmd.BuildConfigFromFlags("", path); err != nil {
		return nil, err
	}
	c.config.QPS = -1
	c.Clientset, err = kubernetes.NewForConfig(c.config)
	return c, err
}

func startT(t *testing.T, dir string, flags ...string) *cluster {
	t.Helper()
	c, err := start(dir, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.end(t, syscall.SIGTERM, 0) })
	return c
}

// end sends a signal and wants an exit status (-1 for a process that the signal
// killed) and no process left. It does nothing if the cluster has ended before.
func (c *cluster) end(t *testing.T, signal os.Signal, status int) {
	t.Helper()
	if c.cmd.ProcessState != nil {
		return
	}
	if err := c.cmd.Process.Signal(signal); err != nil {
		t.Error(err)
	}
	c.ended(t, status)
}

func (c *cluster) ended(t *testing.T, status int) {
	t.Helper()
	_ = c.cmd.Wait() // see below
	if got := c.cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("exit status %d, want %d; stderr:\n%s", got, status, &c.stderr)
	}
	until(t, "no process is left", func(context.Context) (bool, error) {
		return len(parts(t, c.dir)) == 0, nil
	})
}

// parts are the processes that run in a directory, by the name of the part.
func parts(t *testing.T, dir string) map[string]int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]int)
	for _, link := range links {
		process := filepath.Dir(link)
		if cwd, err := os.Readlink(link); err != nil || cwd != dir {
			continue // not ours, or gone
		}
		if line, err := os.ReadFile(process + "/cmdline"); err == nil {
			found[partName(line)] = pid(t, process)
		}
	}
	return found
}

// partName is the word after "component" in the command line of a process.
func partName(cmdline []byte) string {
	_, after, _ := bytes.Cut(cmdline, []byte("\x00"+componentName+"\x00"))
	name, _, _ := bytes.Cut(after, []byte("\x00"))
	return string(name)
}

func pid(t *testing.T, process string) int {
	t.Helper()
	id, err := strconv.Atoi(filepath.Base(process))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// until polls a condition. Errors of the API server but NotFound end the test.
func until(t *testing.T, what string, condition wait.ConditionWithContextFunc) {
	t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), 50*time.Millisecond, patience, true,
		func(ctx context.Context) (bool, error) {
			done, err := condition(ctx)
			if apierrors.IsNotFound(err) {
				return false, nil
			}
			return done, err
		})
	if err != nil {
		t.Fatalf("until %s: %v", what, err)
	}
}

// TestNeighbours starts two clusters at once and kills one.
func TestNeighbours(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	clusters := make([]*cluster, len(dirs))
	var group errgroup.Group
	for i, dir := range dirs {
		group.Go(func() (err error) { clusters[i], err = start(dir); return err })
	}
	err := group.Wait()
	for _, c := range clusters {
		if c != nil {
			t.Cleanup(func() { c.end(t, syscall.SIGKILL, -1) })
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	here, there := clusters[0], clusters[1]
	createConfigMap(t, here, "here")
	if _, err := configMap(t, there, "here"); !apierrors.IsNotFound(err) {
		t.Errorf("the neighbour's config map: %v, want not found", err)
	}
	stranger := rest.CopyConfig(there.config)
	stranger.BearerToken = here.config.BearerToken
	if _, err := kubernetes.NewForConfigOrDie(stranger).ServerVersion(); !apierrors.IsUnauthorized(err) {
		t.Errorf("with the neighbour's token: %v, want unauthorized", err)
	}
	if got := len(parts(t, there.dir)); got != 3 {
		t.Fatalf("%d processes, want etcd, API server and controller manager", got)
	}
	there.end(t, syscall.SIGKILL, -1)
	if _, err := configMap(t, here, "here"); err != nil {
		t.Errorf("after the neighbour's death: %v", err)
	}
}

// TestRestart stops a cluster and starts it again, at a path too long for a
// unix socket, and in the end kills its etcd.
func TestRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	audit := filepath.Join(t.TempDir(), "audit.jsonl")
	c := startT(t, dir, "--audit-log", audit)
	createConfigMap(t, c, "kept")
	if log, err := os.ReadFile(audit); err != nil || !bytes.Contains(log, []byte(`"requestObject":{"kind":"ConfigMap"`)) {
		t.Errorf("audit log has no config map: %v", err)
	}
	if _, err := start(dir); err == nil || !strings.Contains(err.Error(), "another devcluster is running there") {
		t.Errorf("second start on one directory: %v", err)
	}
	c.end(t, os.Interrupt, 0)
	if c.stderr.Len() > 0 {
		t.Errorf("stderr: %s", &c.stderr)
	}

	again := startT(t, dir)
	if _, err := configMap(t, again, "kept"); err != nil {
		t.Error(err)
	}
	if again.config.BearerToken != c.config.BearerToken {
		t.Error("the token has changed")
	}

	if err := syscall.Kill(parts(t, dir)[etcdName], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	again.ended(t, 1)
	checkText(t, "stderr", again.stderr.String(), "devcluster: etcd died: signal: killed")
}

func createConfigMap(t *testing.T, c *cluster, name string) {
	t.Helper()
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := c.CoreV1().ConfigMaps("default").Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func configMap(t *testing.T, c *cluster, name string) (*corev1.ConfigMap, error) {
	return c.CoreV1().ConfigMaps("default").Get(t.Context(), name, metav1.GetOptions{})
}

// testAccess: who may do what.
func testAccess(t *testing.T, c *cluster) {
	anonymous := kubernetes.NewForConfigOrDie(rest.AnonymousClientConfig(c.config))
	for path, want := range map[string]int{"/readyz": http.StatusOK, "/livez": http.StatusOK, "/version": http.StatusUnauthorized, "/api/v1/namespaces": http.StatusUnauthorized} {
		var got int
		anonymous.Discovery().RESTClient().Get().AbsPath(path).Do(t.Context()).StatusCode(&got)
		if got != want {
			t.Errorf("anonymous %s: status %d, want %d", path, got, want)
		}
	}

	token, err := c.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(c.config)
	config.BearerToken = token.Status.Token
	account := kubernetes.NewForConfigOrDie(config)
	if _, err := account.ServerVersion(); err != nil {
		t.Errorf("service account: %v", err)
	}
	if _, err := account.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("service account reads secrets: %v, want forbidden", err)
	}
}

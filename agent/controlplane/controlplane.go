// Package controlplane runs a Kubernetes control plane of its own on this machine:
// a real API server with nothing behind it, for as long as it is asked. The program
// is devcluster, which lies beside tidelock or on the PATH.
//
// Start with [Find] and [Start].
package controlplane

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tidelock-io/tidelock/agent/controlplane/process"
)

// Program is what is looked for.
const Program = "devcluster"

// ErrProgram says that there is no program to run.
var ErrProgram = errors.New("there is no program " + Program)

// Find returns the path of the program: beside this one, or on the PATH.
func Find() (string, error) {
	if self, err := os.Executable(); err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			if beside := filepath.Join(filepath.Dir(self), Program); executable(beside) {
				return beside, nil
			}
		}
	}
	if found, err := exec.LookPath(Program); err == nil {
		return found, nil
	}
	return "", fmt.Errorf("%w beside this one or on the PATH (hint: in a clone of tidelock, make bin/%s builds it)", ErrProgram, Program)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// ready bounds the start, which takes seconds.
const ready = 2 * time.Minute

// Options say what to run.
type Options struct {
	Program string
	// Emulate is an older version of Kubernetes whose API is served, "1.35"; "" is
	// the program's own.
	Emulate string
	// UserAgent names who asks.
	UserAgent string
}

// A Plane is a running control plane. All that it keeps is gone with it.
type Plane struct {
	Config *rest.Config // of its administrator, without limits on the rate

	process *process.Process
	dir     string
}

// Start runs a control plane that has etcd and an API server, and no controllers.
// It removes its own files at its end, also if this process is killed.
func Start(ctx context.Context, o Options) (*Plane, error) {
	dir := filepath.Join(os.TempDir(), "tidelock-control-plane-"+rand.Text())
	args := []string{"up", "--dir", dir, "--api-only", "--discard"}
	if o.Emulate != "" {
		args = append(args, "--emulate", o.Emulate)
	}
	said := &tail{}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), o.Program, args...)
	cmd.Stdout, cmd.Stderr = said, said
	running, err := process.Start(Program, cmd, said.String)
	if err != nil {
		return nil, err
	}
	p := &Plane{process: running, dir: dir}
	if err := p.connect(ctx, o.UserAgent); err != nil {
		_ = running.Stop() // how it ends says less than err
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

// connect waits for the kubeconfig, which is there once the server is ready.
func (p *Plane) connect(ctx context.Context, agent string) error {
	ctx, cancel := context.WithTimeout(ctx, ready)
	defer cancel()
	path := filepath.Join(p.dir, "kubeconfig")
	if err := p.process.AwaitUp(ctx, func(context.Context) bool {
		_, err := os.Stat(path)
		return err == nil
	}); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return err
	}
	config.QPS = -1 // no limit
	config.UserAgent = agent
	config.WarningHandler = rest.NoWarnings{}
	p.Config = config
	return nil
}

// Stop ends the control plane and waits until nothing is left of it.
func (p *Plane) Stop() error { return errors.Join(p.process.Stop(), os.RemoveAll(p.dir)) }

// Exited is closed when the control plane has ended, however that came.
func (p *Plane) Exited() <-chan struct{} { return p.process.Exited() }

// A tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

const tailBytes = 4 << 10

func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(text), nil
}

// String is what stands in errors.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) == 0 {
		return "it has said nothing"
	}
	return "it says: " + strings.TrimSpace(string(t.text))
}

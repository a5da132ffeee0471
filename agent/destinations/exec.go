package destinations

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tidelock-io/tidelock/agent/controlplane/process"
	"golang.org/x/sync/semaphore"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientauthentication "k8s.io/client-go/pkg/apis/clientauthentication/v1"
)

const (
	execWithin = 20 * time.Second // that a program may take
	maxExec    = 1 << 20          // that it may print
	maxArgs    = 100              // and entries of its environment
	execEarly  = 30 * time.Second // before its credential ends, it is run anew
)

// check says whether the program may be run. Whoever writes Secrets of clusters must not
// thereby run whatever there is in the agent's container.
func (e *execConfig) check(commands []string) error {
	v1 := clientauthentication.SchemeGroupVersion.String()
	switch {
	case e.Command == "":
		return errors.New("execProviderConfig.command: it is empty")
	case !slices.Contains(commands, e.Command):
		return fmt.Errorf("execProviderConfig.command: %.100q is not permitted: name it by --allow-cluster-exec, or log in by a token", e.Command)
	case len(e.Args) > maxArgs || len(e.Env) > maxArgs:
		return fmt.Errorf("execProviderConfig: more than %d args, or entries of env", maxArgs)
	case !slices.Contains([]string{v1, v1 + "beta1"}, e.version()):
		return fmt.Errorf("execProviderConfig.apiVersion: %.60q is none of client.authentication.k8s.io/v1 and v1beta1", e.APIVersion)
	}
	for name := range e.Env {
		if name == "PATH" || strings.HasPrefix(name, "LD_") || strings.ContainsAny(name, "=\x00") {
			return fmt.Errorf("execProviderConfig.env: %.60q cannot be set", name)
		}
	}
	return nil
}

func (e *execConfig) version() string {
	if e.APIVersion == "" {
		return clientauthentication.SchemeGroupVersion.String()
	}
	return e.APIVersion
}

// A program logs in by what it prints, and is run anew when that ends or is refused.
type program struct {
	execConfig
	next  http.RoundTripper
	again func() // has connections be made anew, for another certificate
	ran   func(code int, status string)
	turn  *semaphore.Weighted // held by who runs it; who comes meanwhile waits for what it prints

	mu      sync.Mutex // guards all below
	token   string
	cert    *tls.Certificate
	expires time.Time // zero is never
	known   bool
}

func newProgram(config execConfig, next http.RoundTripper, again func(), ran func(code int, status string)) *program {
	return &program{execConfig: config, next: next, again: again, ran: ran, turn: semaphore.NewWeighted(1)}
}

// RoundTrip adds the token to a request.
func (p *program) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := p.credential(r.Context())
	if err != nil {
		return nil, err
	}
	if token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := p.next.RoundTrip(r)
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		p.refused(token)
	}
	return response, err
}

// refused has the program run for the next request.
func (p *program) refused(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.token == token {
		p.known = false
	}
}

// certificate is what connections are made with.
func (p *program) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cert == nil {
		return &tls.Certificate{}, nil
	}
	return p.cert, nil
}

// credential runs the program, if there is none or it is about to end.
func (p *program) credential(ctx context.Context) (token string, err error) {
	if token, ok := p.current(); ok {
		return token, nil
	}
	if err := p.turn.Acquire(ctx, 1); err != nil {
		return "", fmt.Errorf("%s: wait for what it prints: %w", p.Command, err)
	}
	defer p.turn.Release(1)
	if token, ok := p.current(); ok {
		return token, nil
	}
	printed, err := p.run(ctx)
	if err != nil {
		return "", err
	}
	if err := p.read(printed); err != nil {
		return "", fmt.Errorf("%s: %w", p.Command, err)
	}
	token, _ = p.current()
	return token, nil
}

// current is the token, and whether it counts still.
func (p *program) current() (token string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token, p.known && (p.expires.IsZero() || time.Until(p.expires) > execEarly)
}

// read takes what the program has printed.
func (p *program) read(printed []byte) error {
	var credential struct {
		metav1.TypeMeta
		Status *clientauthentication.ExecCredentialStatus
	}
	if err := json.Unmarshal(printed, &credential); err != nil || credential.Kind != "ExecCredential" || credential.Status == nil {
		return errors.New("it prints no ExecCredential with a status")
	}
	var cert *tls.Certificate
	if status := credential.Status; status.ClientCertificateData != "" {
		pair, err := tls.X509KeyPair([]byte(status.ClientCertificateData), []byte(status.ClientKeyData))
		if err != nil {
			return errors.New("it prints no certificate with its key")
		}
		cert = &pair
	}
	if credential.Status.Token == "" && cert == nil {
		return errors.New("it prints neither a token nor a certificate")
	}
	if p.take(credential.Status, cert) {
		p.again()
	}
	return nil
}

// take keeps a credential, and says whether connections are to be made anew.
func (p *program) take(status *clientauthentication.ExecCredentialStatus, cert *tls.Certificate) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	had := p.cert != nil
	p.token, p.cert, p.expires, p.known = status.Token, cert, time.Time{}, true
	if status.ExpirationTimestamp != nil {
		p.expires = status.ExpirationTimestamp.Time
	}
	return had || cert != nil
}

// run runs the program with an environment of its own: nothing of the agent's but where
// programs are and where to put files. What it prints to stderr may be secret, and is not
// said.
func (p *program) run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, execWithin)
	defer cancel()
	path, err := exec.LookPath(p.Command)
	if err != nil {
		p.tell(1, "plugin_not_found_error")
		hint := ""
		if p.InstallHint != "" {
			hint = fmt.Sprintf(" (%.200s)", p.InstallHint)
		}
		return nil, fmt.Errorf("%s: there is no such program%s", p.Command, hint)
	}
	cmd := exec.CommandContext(ctx, path, p.Args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir(), "KUBERNETES_EXEC_INFO=" + p.info()}
	for name, value := range p.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	printed := &bounded{most: maxExec}
	cmd.Stdout, cmd.WaitDelay = printed, time.Second
	running, err := process.Start(p.Command, cmd, func() string { return "what it says may be secret" })
	if err != nil {
		p.tell(1, "client_internal_error")
		return nil, err
	}
	select {
	case <-running.Exited():
	case <-ctx.Done():
		running.Kill()
		err = fmt.Errorf("%s: it has not ended within %s", p.Command, execWithin)
	}
	_ = syscall.Kill(-running.PID(), syscall.SIGKILL) // whatever it has left behind
	if err := errors.Join(err, running.Stop()); err != nil {
		p.tell(cmd.ProcessState.ExitCode(), "plugin_execution_error")
		return nil, err
	}
	p.tell(0, "no_error")
	if printed.over {
		return nil, fmt.Errorf("%s: it prints more than %d bytes", p.Command, maxExec)
	}
	return printed.text.Bytes(), nil
}

// tell counts a program that was run.
func (p *program) tell(code int, status string) {
	if p.ran != nil {
		p.ran(code, status)
	}
}

// info is what a program is told.
func (p *program) info() string {
	text, _ := json.Marshal(map[string]any{ // cannot fail
		"apiVersion": p.version(), "kind": "ExecCredential", "spec": map[string]any{"interactive": false},
	})
	return string(text)
}

// A bounded writer keeps no more than it may.
type bounded struct {
	text bytes.Buffer
	most int
	over bool
}

func (b *bounded) Write(text []byte) (int, error) {
	if b.over = b.over || b.text.Len()+len(text) > b.most; b.over {
		return len(text), nil
	}
	return b.text.Write(text)
}

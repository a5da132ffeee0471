package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tidelock-io/tidelock/agent/controlplane/process"
)

// agentReady bounds the start of the agent, which takes a second on a machine that
// has nothing else to do.
const agentReady = 3 * time.Minute

// AgentNamespace is where the agent finds Applications and its keys.
const AgentNamespace = "argocd"

// AgentOptions say how to run the agent.
type AgentOptions struct {
	Binary     string
	Kubeconfig string
	// Dir has the log, the cache and the directories for temporary files.
	Dir string
	// PollInterval is how often repositories are asked; 0 is the agent's default.
	PollInterval time.Duration
	// SealedSecretsNamespace has the sealing keys; "" is the agent's default.
	SealedSecretsNamespace string
	// Debug lets Looked and Heap ask.
	Debug bool
	// Flags and Env are added to the agent's own.
	Flags, Env []string
}

// An Agent is an agent process. It may be killed and started again.
type Agent struct {
	URL     string // of the webhook and of /healthz
	Metrics string // URL of the metrics
	Log     string // path of the file with what all its runs printed

	options AgentOptions
	process atomic.Pointer[process.Process] // of the present run, or the last one
	debug   string                          // URL of what is for whoever is on the same machine
}

// StartAgent runs an agent and waits until it says that it is healthy.
func StartAgent(ctx context.Context, o AgentOptions) (*Agent, error) {
	for _, dir := range []string{"cache", "tmp", "home"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, dir), 0o700); err != nil {
			return nil, err
		}
	}
	secret := filepath.Join(o.Dir, "webhook-secret")
	if err := os.WriteFile(secret, []byte(WebhookSecret), 0o600); err != nil {
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
	a := &Agent{
		URL: "http://" + listen, Metrics: "http://" + metrics + "/metrics",
		Log: filepath.Join(o.Dir, "agent.log"), options: o,
	}
	a.options.Flags = append([]string{
		"agent", "--kubeconfig", o.Kubeconfig, "--namespace", AgentNamespace,
		"--listen", listen, "--metrics-listen", metrics, "--cache-dir", filepath.Join(o.Dir, "cache"),
		"--webhook-secret-file", secret, "--replicas-listen", "127.0.0.1:0",
	}, o.Flags...)
	if o.Debug {
		debug, err := FreeAddress()
		if err != nil {
			return nil, err
		}
		a.debug = "http://" + debug + "/debug"
		a.options.Flags = append(a.options.Flags, "--debug-listen", debug)
	}
	if o.PollInterval != 0 {
		a.options.Flags = append(a.options.Flags, "--poll-interval", o.PollInterval.String())
	}
	if o.SealedSecretsNamespace != "" {
		a.options.Flags = append(a.options.Flags, "--sealed-secrets-namespace", o.SealedSecretsNamespace)
	}
	return a, a.Start(ctx)
}

// Start runs the agent again, with the same flags and files, after it ended.
func (a *Agent) Start(ctx context.Context) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), a.options.Binary, a.options.Flags...)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + filepath.Join(a.options.Dir, "home"),
		"TMPDIR=" + filepath.Join(a.options.Dir, "tmp"),
	}, a.options.Env...)
	started, err := start("tidelock agent", cmd, a.Log)
	if err != nil {
		return err
	}
	a.process.Store(started)
	ctx, cancel := context.WithTimeout(ctx, agentReady)
	defer cancel()
	if err := started.AwaitUp(ctx, a.healthy); err != nil {
		started.Kill()
		return err
	}
	return nil
}

func (a *Agent) healthy(ctx context.Context) bool { return a.Alive(ctx) == nil }

// Alive returns an error if the agent does not say that it is healthy.
func (a *Agent) Alive(ctx context.Context) error {
	_, err := get(ctx, a.URL+"/healthz")
	return err
}

// Webhook is the URL that takes announcements of pushes.
func (a *Agent) Webhook() string { return a.URL + "/api/webhook" }

// Dirs are the directories that the agent may write to.
func (a *Agent) Dirs() []string {
	var dirs []string
	for _, dir := range []string{"cache", "tmp", "home"} {
		dirs = append(dirs, filepath.Join(a.options.Dir, dir))
	}
	return dirs
}

// MetricsText returns the metrics.
func (a *Agent) MetricsText(ctx context.Context) ([]byte, error) { return get(ctx, a.Metrics) }

// Looked is how many Applications it has looked at in its present run.
func (a *Agent) Looked(ctx context.Context) (int, error) {
	state, err := a.state(ctx)
	return state.LookedAt, err
}

// Backlog is how many looks at Applications are due or go on.
func (a *Agent) Backlog(ctx context.Context) (int, error) {
	state, err := a.state(ctx)
	return state.Waiting + state.Working, err
}

type agentState struct{ LookedAt, Waiting, Working int }

func (a *Agent) state(ctx context.Context) (state agentState, err error) {
	text, err := get(ctx, a.debug+"/state")
	if err != nil {
		return state, err
	}
	return state, json.Unmarshal(text, &state)
}

// Heap is how many bytes of memory the agent needs: those in use, after a collection.
func (a *Agent) Heap(ctx context.Context) (bytes int64, err error) {
	text, err := get(ctx, a.debug+"/pprof/heap?gc=1&debug=1")
	if err != nil {
		return 0, err
	}
	match := heapAlloc.FindSubmatch(text)
	if match == nil {
		return 0, errors.New("the heap's profile does not say how large it is")
	}
	return strconv.ParseInt(string(match[1]), 10, 64)
}

// HeapProfile is what the agent's memory is of, after a collection, for go tool pprof.
func (a *Agent) HeapProfile(ctx context.Context) ([]byte, error) {
	return get(ctx, a.debug+"/pprof/heap?gc=1")
}

var heapAlloc = regexp.MustCompile(`(?m)^# HeapAlloc = ([0-9]+)$`)

// Servers are the URLs at which the agent answers.
func (a *Agent) Servers() []string { return []string{a.URL, strings.TrimSuffix(a.Metrics, "/metrics")} }

// Dump ends the agent by SIGQUIT, which has Go print all goroutines with the
// arguments of their functions into the log.
func (a *Agent) Dump() error {
	if err := syscall.Kill(a.process.Load().PID(), syscall.SIGQUIT); err != nil {
		return err
	}
	<-a.Exited()
	return a.awaitNoLeftovers()
}

// Stop ends the agent as Kubernetes does, by SIGTERM. It is an error if that
// leaves a process or a temporary file of its behind.
func (a *Agent) Stop() error {
	return errors.Join(a.process.Load().Stop(), a.awaitNoLeftovers(), a.noTemporaryFiles())
}

func (a *Agent) noTemporaryFiles() error {
	left, err := os.ReadDir(filepath.Join(a.options.Dir, "tmp"))
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("the agent left temporary files behind: %v", left)
	}
	return err
}

// ErrDied says that the agent ended without being told to.
var ErrDied = errors.New("the agent ended by itself")

// Kill ends the agent as the kernel does when memory is short, by SIGKILL. It is
// an error if that leaves a process of its behind, and [ErrDied] if it had ended
// before.
func (a *Agent) Kill() error {
	if err := a.Died(); err != nil {
		return err
	}
	a.process.Load().Kill()
	return a.awaitNoLeftovers()
}

// Died returns [ErrDied] if the present run has ended.
func (a *Agent) Died() error {
	select {
	case <-a.Exited():
		return fmt.Errorf("%w; the end of its log %s:\n%s", ErrDied, a.Log, Tail(a.Log, 20))
	default:
		return nil
	}
}

// Exited is closed when the present run has ended, however that came.
func (a *Agent) Exited() <-chan struct{} { return a.process.Load().Exited() }

// Usage returns what the agent and its plugins have used since the start of the
// present run.
func (a *Agent) Usage() (Usage, error) { return usageOf(a.process.Load().PID()) }

// Processes returns the ids of the agent's and its plugins' processes.
func (a *Agent) Processes() ([]int, error) { return session(a.process.Load().PID()) }

// Zombies returns the ids of processes of the agent's that have ended and that nobody
// has waited for.
func (a *Agent) Zombies() ([]int, error) { return zombies(a.process.Load().PID()) }

// leftoverPatience is how long plugins may outlive the agent. After SIGKILL the
// kernel ends them, in a moment, or later on a machine that is busy.
const leftoverPatience = time.Minute

func (a *Agent) awaitNoLeftovers() error {
	deadline := time.After(leftoverPatience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := session(a.process.Load().PID())
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("the agent left processes behind: %v", left)
		}
	}
}

// maxBody is more than any metrics page has.
const maxBody = 64 << 20

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.300s", url, response.Status, body)
	}
	return body, err
}

// Shadow returns what an agent that looks on at Argo CD has found.
func (a *Agent) Shadow(ctx context.Context) ([]byte, error) { return get(ctx, a.URL+"/shadow") }

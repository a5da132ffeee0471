package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	goplugin "github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// A process is one running plugin.
type process struct {
	spec    *Spec
	dir     string
	scratch string // "" if none was granted
	client  *plugin.Client
	runner  *runner
	rpc     wire.PluginClient
	about   *wire.Description
	voice   *voice
	ended   sync.Once
	excess  atomic.Pointer[failure] // what its programs were killed for
	instead error                   // why it is not the program that is to be preferred

	// The pool's lock guards these.
	calls    int
	capacity int  // calls that it takes at once
	taken    int  // calls since its start
	overlap  bool // calls have run side by side since it last had none
	alone    bool // the call that runs wants no neighbour
	leaving  bool // takes no more calls
	idle     *time.Timer
}

// startBest starts the program that is to be preferred. If that may not be or
// does not work, it starts the other one.
func startBest(h *Host, spec *Spec, run func(func())) (*process, error) {
	if spec.Rather == nil {
		return start(h, spec, run)
	}
	rather, err := spec.rather()
	if err == nil {
		var p *process
		if p, err = start(h, rather, run); err == nil {
			return p, nil
		}
	}
	p, startErr := start(h, spec, run)
	if startErr != nil {
		return nil, startErr
	}
	p.instead = err
	return p, nil
}

// start starts a process and asks it who it is. run must run what it is given
// until that ends.
func start(h *Host, spec *Spec, run func(func())) (*process, error) {
	if spec.Verify != nil {
		if err := spec.Verify(); err != nil {
			return nil, &failure{ErrUnavailable, err}
		}
	}
	p := &process{spec: spec, voice: newVoice(h.log.With("plugin", spec.Name))}
	var err error
	if p.dir, err = os.MkdirTemp(h.dir.path, processPattern); err != nil {
		return nil, err
	}
	if err := p.makeScratch(h); err != nil {
		os.RemoveAll(p.dir)
		return nil, err
	}
	granted := spec.Grants
	granted.ScratchDir = p.scratch
	grants, err := json.Marshal(granted)
	if err != nil {
		return nil, err
	}
	p.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  wire.Handshake,
		VersionedPlugins: wire.Versions(nil),
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (goplugin.Runner, error) {
			cmd.Path, cmd.Args, cmd.Dir = spec.Command, append([]string{spec.Command}, spec.Args...), "/"
			cmd.Env = append(cmd.Env, wire.GrantsEnv+"="+string(grants), "GOTRACEBACK=single")
			cmd.Env = slices.Concat(cmd.Env, spec.Env, raceEnv())
			r, err := newRunner(cmd)
			if err != nil {
				return nil, err
			}
			p.runner = r
			run(r.run)
			return r, nil
		},
		StartTimeout:     spec.Limits.Start,
		Stderr:           p.voice,
		SyncStdout:       p.voice,
		SyncStderr:       p.voice,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
		AutoMTLS:         true,
		SkipHostEnv:      true,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.dir},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage)),
			grpc.WithInitialWindowSize(wire.Window), grpc.WithInitialConnWindowSize(wire.Window),
		},
	})
	if err := p.greet(); err != nil {
		p.end()
		return nil, err
	}
	if spec.Grants.Exec {
		// What it starts comes after this program, if there is not enough for both.
		_ = unix.Setpriority(unix.PRIO_PGRP, p.runner.cmd.Process.Pid, 10)
	}
	return p, nil
}

// greet connects. go-plugin's own errors quote what the plugin printed, so they
// are not passed on.
func (p *process) greet() error {
	if _, err := p.client.Start(); err != nil {
		var path *os.PathError
		var exe *exec.Error
		if errors.As(err, &path) || errors.As(err, &exe) {
			return failf(ErrUnavailable, "it cannot be started: %w", err)
		}
		return failf(ErrUnavailable, "it was started and did not greet%s: is %s a Tidelock plugin?", p.fate(), p.spec.Command)
	}
	protocol, err := p.client.Client()
	if err != nil {
		return failf(ErrProtocol, "connecting to it: %w", err)
	}
	raw, err := protocol.Dispense(wire.Name)
	if err != nil {
		return failf(ErrProtocol, "connecting to it: %w", err)
	}
	p.rpc = raw.(wire.PluginClient)
	return p.describe()
}

func (p *process) describe() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.spec.Limits.Start)
	defer cancel()
	about, err := p.rpc.Describe(ctx, &wire.DescribeRequest{})
	if err != nil {
		if said, ok := kinds.FromStatus(err); ok {
			return failf(ErrUnavailable, "it refuses to work: %w", said)
		}
		return failf(ErrProtocol, "it does not say who it is%s", p.fate())
	}
	if about.GetName() != p.spec.Says {
		return failf(ErrProtocol, "it calls itself %q", about.GetName())
	}
	if p.spec.Grants.Require {
		if err := confined(p.runner.cmd.Process.Pid); err != nil {
			return &failure{ErrUnavailable, err}
		}
	}
	p.about = about
	p.capacity = concurrency
	if about.GetSerial() || p.spec.Calls == 1 {
		p.capacity = 1
	}
	return nil
}

// fate says how the process ended, "" if it has not within a moment.
func (p *process) fate() string {
	if p.runner == nil {
		return ""
	}
	select {
	case <-p.runner.done:
	case <-time.After(time.Second):
		return ""
	}
	if p.runner.state == nil {
		return ""
	}
	return " (" + p.runner.state.String() + ")"
}

// dead says whether the process has ended.
func (p *process) dead() bool {
	select {
	case <-p.runner.done:
		return true
	default:
		return false
	}
}

// end kills the process if it lives, and leaves nothing of it: neither zombie,
// nor socket, nor pipe, nor goroutine. go-plugin comes second, for it would wait for an
// answer.
func (p *process) end() {
	p.ended.Do(func() {
		if p.runner != nil {
			p.runner.kill()
			<-p.runner.done
		}
		p.client.Kill()
		if p.runner != nil {
			p.runner.close()
		}
		p.voice.flush()
		os.RemoveAll(p.dir)
		wipe(p.scratch)
	})
}

// confined returns an error if the kernel does not confirm that a process has
// a seccomp filter and can gain no privileges. A process may say what it likes.
func confined(pid int) error {
	text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "status"))
	if err != nil {
		return err
	}
	for _, want := range []string{"\nNoNewPrivs:\t1\n", "\nSeccomp:\t2\n"} {
		if !strings.Contains(string(text), want) {
			return errors.New("a sandbox is required of it, and it has not entered one")
		}
	}
	return nil
}

package sdk

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// A Plugin is what a program serves: its name, and one contract or several.
type Plugin struct {
	// Name is what people call it, and the name of its block of options:
	// spec.source.kustomize for "kustomize".
	Name string
	// Version is for people.
	Version string

	Renderer     Renderer
	Decrypter    Decrypter
	SecretSource SecretSource

	// Serial says that it can take one call at a time only. Tidelock starts
	// more processes instead.
	Serial bool
	// Needs says what it must be able to do beyond computing. It does not
	// start where less was granted.
	Needs sandbox.Grants
	// Setup, if set, runs before the first call, inside the sandbox.
	Setup func()
	// Warm, if set, runs inside the sandbox beside the first calls: it does
	// what these would otherwise do, and one of them may be doing at the moment.
	Warm func()
}

// Serve runs p until Tidelock ends it. It is all of a plugin's main. It exits
// with status 1 if it was started by anything but Tidelock.
func Serve(p Plugin) {
	// Collecting takes a third of the time of a small render at the default of
	// 100, a fifth at 150. What a burst leaves goes back when the plugin rests.
	debug.SetGCPercent(150)
	s := &server{plugin: p}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  wire.Handshake,
		VersionedPlugins: wire.Versions(s),
		GRPCServer:       s.listen,
		// Why it cannot be served is said nowhere else.
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Error, DisableTime: true}),
	})
}

// listen is called when the socket is there and the host has not yet been
// greeted: the one moment at which the process needs nothing more.
func (s *server) listen(opts []grpc.ServerOption) *grpc.Server {
	s.confine()
	if s.refusal == nil && s.plugin.Setup != nil {
		s.plugin.Setup()
	}
	if s.refusal == nil && s.plugin.Warm != nil {
		go s.plugin.Warm()
	}
	return grpc.NewServer(append(opts,
		grpc.MaxRecvMsgSize(wire.MaxMessage),
		grpc.MaxSendMsgSize(wire.MaxMessage),
		grpc.InitialWindowSize(wire.Window),
		grpc.InitialConnWindowSize(wire.Window),
	)...)
}

// confine enters the sandbox that the host granted. Not to have been granted
// what the plugin needs is a refusal, which Describe tells.
func (s *server) confine() {
	var grants sandbox.Grants
	if text := os.Getenv(wire.GrantsEnv); text != "" {
		if err := json.Unmarshal([]byte(text), &grants); err != nil {
			s.refusal = fmt.Errorf("reading %s: %w", wire.GrantsEnv, err)
			return
		}
	}
	s.scratch = grants.ScratchDir
	if s.sandbox, s.refusal = sandbox.Enter(grants); s.refusal == nil {
		s.refusal = grants.Covers(s.plugin.Needs)
	}
}

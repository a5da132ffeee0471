// Package wire is how the host and package sdk talk: a protobuf service on
// HashiCorp's go-plugin. It is nobody else's business, and may change with the
// protocol's version.
//
// Start with plugin.proto. [Status] and [Error] carry errors across, so that
// errors.Is holds on the other side.
package wire

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative plugin.proto

import (
	"context"
	"errors"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

const (
	// Version is the version of the protocol.
	Version = 1
	// Name is the name under which go-plugin dispenses the service.
	Name = "tidelock"
	// MaxData is the largest file, document or decrypted text in bytes.
	MaxData = 15 << 20
	// MaxMessage is the largest message: MaxData and what goes round it.
	MaxMessage = MaxData + 1<<20
	// Window is the flow-control window. It is fixed, for measuring it costs
	// wake-ups and the way is short.
	Window = 1 << 20
	// GrantsEnv names the variable in which the host tells the plugin what it
	// may do: a sandbox.Grants as JSON.
	GrantsEnv = "TIDELOCK_PLUGIN_GRANTS"
)

// Handshake tells a plugin that it was started by Tidelock and not by a person.
// It is a courtesy; the mutual TLS of the connection is what secures it.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  Version,
	MagicCookieKey:   "TIDELOCK_PLUGIN",
	MagicCookieValue: "5f1b0c7e-tidelock-plugin-v1",
}

// Adapter registers the service with go-plugin. The host leaves Plugin nil.
type Adapter struct {
	plugin.NetRPCUnsupportedPlugin
	Plugin PluginServer
}

// Versions returns the protocol versions that go-plugin may agree on.
func Versions(server PluginServer) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{Version: {Name: &Adapter{Plugin: server}}}
}

// GRPCServer registers the plugin's side.
func (a *Adapter) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	if a.Plugin == nil {
		return errors.New("no server: this is the host's side")
	}
	RegisterPluginServer(s, a.Plugin)
	return nil
}

// GRPCClient makes the host's side, a [PluginClient].
func (a *Adapter) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return NewPluginClient(c), nil
}

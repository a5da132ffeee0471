package host

import (
	"context"
	"errors"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
	"github.com/tidelock-io/tidelock/secrets/audit"
)

// Decrypt has the given plugin decrypt. The error is sdk.ErrNoKey if no key
// opens the file.
func (h *Host) Decrypt(ctx context.Context, plugin string, req *sdk.DecryptRequest) ([]byte, error) {
	c := call{plugin: plugin, application: req.Application, name: "decrypt"}
	if p := h.find(plugin); p != nil {
		c.timeout = p.spec.Limits.Decrypt
	}
	message := &wire.DecryptCall{Application: req.Application, Path: req.Path, Format: req.Format, Data: req.Data}
	for _, k := range req.Keys {
		message.Keys = append(message.Keys, &wire.Key{Kind: k.Kind, Name: k.Name, Material: k.Material, Settings: k.Settings})
	}
	var plain []byte
	var used []string
	err := h.call(ctx, c, func(ctx context.Context, proc *process) error {
		if len(req.Data) > wire.MaxData {
			return &treeError{err: errors.New("the file is too large")}
		}
		reply, err := proc.rpc.Decrypt(ctx, message)
		plain, used = reply.GetData(), reply.GetUsed()
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, name := range used[:min(len(used), maxUsed)] {
		audit.Key(ctx, clean(name[:min(len(name), maxName)]))
	}
	return plain, nil
}

// What a plugin may say of the keys it used.
const (
	maxUsed = 32
	maxName = 256 // bytes
)

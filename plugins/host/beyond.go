package host

import (
	"context"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// beyond is who answers what is not in the tree.
func (r *rendering) beyond() sdk.Host {
	if r.req.Host == nil {
		return sdk.NoHost{}
	}
	return r.req.Host
}

func (r *rendering) mount(ctx context.Context, ask *wire.Mount, answer *wire.Answer) error {
	mounted, err := r.beyond().Mount(ctx, sdk.Source{
		Ref: ask.GetRef(), URL: ask.GetUrl(), Revision: ask.GetRevision(), Chart: ask.GetChart(),
	})
	answer.Path, answer.Revision = mounted.Path, mounted.Revision
	return err
}

func (r *rendering) nested(ctx context.Context, ask *wire.NestedRender, answer *wire.Answer) error {
	req := sdk.NestedRequest{Plugin: ask.GetPlugin(), Path: ask.GetPath(), Namespace: ask.GetNamespace()}
	if ask.GetHasOptions() {
		req.Options = ask.GetOptions()
	}
	result, err := r.beyond().Render(ctx, req)
	if err != nil {
		return err
	}
	answer.Warnings = result.Warnings
	for _, d := range result.Documents {
		answer.Documents = append(answer.Documents, &wire.Document{Data: d.Data, File: d.File, Line: int32(d.Line)}) //nolint:gosec // no file has room for more lines
	}
	if n := size(answer); n > wire.MaxData {
		answer.Documents = nil
		return failf(ErrTooLarge, "%s rendered %d bytes for another plugin, %d are allowed", req.Plugin, n, wire.MaxData)
	}
	return nil
}

func (r *rendering) lookup(ctx context.Context, ask *wire.Lookup, answer *wire.Answer) (err error) {
	answer.Data, err = r.beyond().Lookup(ctx, sdk.Object{
		APIVersion: ask.GetApiVersion(), Kind: ask.GetKind(), Namespace: ask.GetNamespace(), Name: ask.GetName(),
	})
	if n := len(answer.Data); n > wire.MaxData {
		answer.Data = nil
		return failf(ErrTooLarge, "%s has %d bytes, %d are allowed", ask.GetKind(), n, wire.MaxData)
	}
	return err
}

// size is what an answer carries in bytes.
func size(answer *wire.Answer) int64 {
	n := int64(len(answer.GetData()))
	for _, d := range answer.GetDocuments() {
		n += int64(len(d.GetData()) + len(d.GetFile()))
	}
	return n
}

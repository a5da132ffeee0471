package host

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// Render has a plugin render. It may read from req.Tree until Render returns,
// and from one goroutine.
//
// An error of req.Tree, other than that nothing is there, is the render's error,
// whatever the plugin makes of it.
func (h *Host) Render(ctx context.Context, plugin string, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	var result *sdk.RenderResult
	c := call{plugin: plugin, application: req.Application, name: "render"}
	if p := h.find(plugin); p != nil {
		c.timeout = p.spec.Limits.Render
	}
	err := h.call(ctx, c, func(ctx context.Context, proc *process) (err error) {
		r := &rendering{req: req, limits: &proc.spec.Limits}
		result, err = r.run(ctx, proc.rpc)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// treeError is an error of what the host gave, which is not the plugin's. Said is
// what the plugin made of it, nil if nothing.
type treeError struct{ err, said error }

func (e *treeError) Error() string { return e.err.Error() }
func (e *treeError) Unwrap() error { return e.err }

// rendering is one call of Render.
type rendering struct {
	req    *sdk.RenderRequest
	limits *Limits
	result sdk.RenderResult

	asks   int
	served int64
	size   int64
	failed error // the first error of the tree
}

func (r *rendering) run(ctx context.Context, rpc wire.PluginClient) (*sdk.RenderResult, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := rpc.Render(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(&wire.ToRenderer{Message: &wire.ToRenderer_Start{Start: r.start()}}); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	done, err := r.converse(stream)
	switch {
	case r.failed != nil:
		return nil, &treeError{r.failed, err}
	case err != nil:
		return nil, err
	}
	r.result.Warnings = done.GetWarnings()
	return &r.result, nil
}

func (r *rendering) start() *wire.RenderStart {
	return &wire.RenderStart{
		Application: r.req.Application,
		Path:        r.req.Path,
		Options:     r.req.Options,
		HasOptions:  r.req.Options != nil,
		Namespace:   r.req.Namespace,
		KubeVersion: r.req.KubeVersion,
		ApiVersions: r.req.APIVersions,
		Env:         r.req.Env,
	}
}

// converse answers until the plugin is done. It waits for the end of the stream,
// so that the plugin has time for another call when it returns.
func (r *rendering) converse(stream wire.Plugin_RenderClient) (done *wire.RenderDone, err error) {
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) && done != nil {
			return done, nil
		}
		if errors.Is(err, io.EOF) {
			return nil, failf(ErrProtocol, "it ended the call without a result")
		}
		if err != nil {
			return nil, err
		}
		switch m := message.GetMessage().(type) {
		case *wire.FromRenderer_Ask:
			err = r.answer(stream.Context(), stream, m.Ask)
		case *wire.FromRenderer_Documents:
			err = r.take(m.Documents)
		case *wire.FromRenderer_Done:
			done = m.Done
		default:
			err = failf(ErrProtocol, "it sent a message of an unknown kind")
		}
		if err != nil {
			return nil, err
		}
	}
}

func (r *rendering) take(documents *wire.Documents) error {
	for _, d := range documents.GetDocuments() {
		r.size += int64(len(d.GetData()) + len(d.GetFile()))
		if r.size > r.limits.DocumentBytes {
			return failf(ErrTooLarge, "it returned more than %d bytes", r.limits.DocumentBytes)
		}
		if len(r.result.Documents) >= r.limits.Documents {
			return failf(ErrTooLarge, "it returned more than %d documents", r.limits.Documents)
		}
		r.result.Documents = append(r.result.Documents, sdk.Document{Data: d.GetData(), File: d.GetFile(), Line: int(d.GetLine())})
	}
	return nil
}

func (r *rendering) answer(ctx context.Context, stream wire.Plugin_RenderClient, ask *wire.Ask) error {
	if r.asks++; r.asks > r.limits.Asks {
		return failf(ErrTooLarge, "it asked for more than %d files", r.limits.Asks)
	}
	answer := &wire.Answer{Id: ask.GetId()}
	if err := r.look(ctx, ask, answer); err != nil {
		answer.Failure = kinds.Failure(err)
		if r.failed == nil && ask.GetOperation() != wire.Ask_COPY && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errBadName) {
			r.failed = err
		}
	}
	r.served += size(answer)
	if r.served > r.limits.AskBytes {
		return failf(ErrTooLarge, "it read more than %d bytes", r.limits.AskBytes)
	}
	err := stream.Send(&wire.ToRenderer{Message: &wire.ToRenderer_Answer{Answer: answer}})
	if errors.Is(err, io.EOF) {
		return nil // the reason comes from Recv
	}
	return err
}

// errBadName is the plugin's mistake, not the tree's.
var errBadName = errors.New("not a path in the tree")

func (r *rendering) look(ctx context.Context, ask *wire.Ask, answer *wire.Answer) (err error) {
	switch ask.GetOperation() {
	case wire.Ask_MOUNT:
		return r.mount(ctx, ask.GetMount(), answer)
	case wire.Ask_RENDER:
		return r.nested(ctx, ask.GetRender(), answer)
	case wire.Ask_LOOKUP:
		return r.lookup(ctx, ask.GetLookup(), answer)
	}
	name := ask.GetName()
	if !fs.ValidPath(name) {
		return &fs.PathError{Op: "open", Path: name, Err: errBadName}
	}
	var info fs.FileInfo
	switch ask.GetOperation() {
	case wire.Ask_OPEN:
		return r.open(name, answer, r.req.Tree.ReadFile)
	case wire.Ask_COPY:
		return r.open(name, answer, r.reader(ask.GetEncrypted()))
	case wire.Ask_RESOLVE:
		answer.Path, info, err = r.req.Tree.Resolve(name)
	case wire.Ask_STAT:
		info, err = r.req.Tree.Stat(name)
	case wire.Ask_READ_DIR:
		return r.list(name, answer)
	default:
		return errBadName
	}
	if err == nil {
		answer.Info = wire.ToInfo(info)
	}
	return err
}

// reader reads files decrypted, or as they are in the commit.
func (r *rendering) reader(encrypted bool) func(string) ([]byte, error) {
	if tree, ok := r.req.Tree.(sdk.EncryptedTree); ok && encrypted {
		return tree.ReadEncrypted
	}
	return r.req.Tree.ReadFile
}

func (r *rendering) open(name string, answer *wire.Answer, read func(string) ([]byte, error)) error {
	path, info, err := r.req.Tree.Resolve(name)
	if err != nil {
		return err
	}
	answer.Path, answer.Info = path, wire.ToInfo(info)
	if !info.Mode().IsRegular() {
		return nil
	}
	if answer.Data, err = read(name); err != nil {
		return err
	}
	if n := len(answer.Data); n > wire.MaxData {
		answer.Data = nil
		return &fs.PathError{Op: "read", Path: name, Err: failf(ErrTooLarge, "a file of %d bytes, %d are allowed", n, wire.MaxData)}
	}
	return nil
}

func (r *rendering) list(name string, answer *wire.Answer) error {
	entries, err := r.req.Tree.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		// A listing states names and modes; sizes would make it stale for nothing.
		answer.Entries = append(answer.Entries, &wire.FileInfo{Name: e.Name(), Mode: uint32(e.Type())})
	}
	return nil
}

package host

import (
	"context"
	"errors"
	"io"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// Fetch has the given plugin make the Secret of an ExternalSecret. It asks
// req.Objects, from one goroutine, until Fetch returns.
func (h *Host) Fetch(ctx context.Context, plugin string, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	c := call{plugin: plugin, application: req.Application, name: "fetch"}
	if p := h.find(plugin); p != nil {
		c.timeout = p.spec.Limits.Fetch
	}
	var result *sdk.SecretResult
	err := h.call(ctx, c, func(ctx context.Context, proc *process) (err error) {
		f := &fetching{req: req, limits: &proc.spec.Limits}
		result, err = f.run(ctx, proc.rpc)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// fetching is one call of Fetch.
type fetching struct {
	req    *sdk.SecretRequest
	limits *Limits
	asks   int
}

func (f *fetching) run(ctx context.Context, rpc wire.PluginClient) (*sdk.SecretResult, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := rpc.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	start := &wire.FetchStart{Application: f.req.Application, Namespace: f.req.Namespace, ExternalSecret: f.req.ExternalSecret}
	if err := stream.Send(&wire.ToSource{Message: &wire.ToSource_Start{Start: start}}); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var done *wire.FetchDone
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) && done != nil {
			return fromDone(done), nil
		}
		if errors.Is(err, io.EOF) {
			return nil, failf(ErrProtocol, "it ended the call without a result")
		}
		if err != nil {
			return nil, err
		}
		switch m := message.GetMessage().(type) {
		case *wire.FromSource_Ask:
			if err := f.answer(ctx, stream, m.Ask); err != nil {
				return nil, err
			}
		case *wire.FromSource_Done:
			done = m.Done
		default:
			return nil, failf(ErrProtocol, "it sent a message of an unknown kind")
		}
	}
}

func (f *fetching) answer(ctx context.Context, stream wire.Plugin_FetchClient, ask *wire.ObjectAsk) error {
	if f.asks++; f.asks > f.limits.Asks {
		return failf(ErrTooLarge, "it asked for more than %d objects", f.limits.Asks)
	}
	answer := &wire.ObjectAnswer{Id: ask.GetId()}
	var err error
	switch what := ask.GetWhat().(type) {
	case *wire.ObjectAsk_Get:
		g := what.Get
		answer.Data, err = f.req.Objects.Get(ctx, g.GetApiVersion(), g.GetKind(), g.GetNamespace(), g.GetName())
	case *wire.ObjectAsk_Token:
		t := what.Token
		answer.Data, err = f.req.Objects.Token(ctx, t.GetNamespace(), t.GetServiceAccount(), t.GetAudiences())
	default:
		return failf(ErrProtocol, "it asked for something unknown")
	}
	answer.Failure = kinds.Failure(err)
	if len(answer.Data) > wire.MaxData {
		return failf(ErrTooLarge, "it asked for an object of more than %d bytes", wire.MaxData)
	}
	err = stream.Send(&wire.ToSource{Message: &wire.ToSource_Answer{Answer: answer}})
	if errors.Is(err, io.EOF) {
		return nil // the reason comes from Recv
	}
	return err
}

func fromDone(done *wire.FetchDone) *sdk.SecretResult {
	result := &sdk.SecretResult{
		Type:        done.GetType(),
		Labels:      done.GetLabels(),
		Annotations: done.GetAnnotations(),
		Immutable:   done.GetImmutable(),
		Data:        make(map[string]sdk.Material, len(done.GetData())),
	}
	for name, value := range done.GetData() {
		result.Data[name] = value
	}
	return result
}

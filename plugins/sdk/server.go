package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// server is the plugin's side of the wire.
type server struct {
	wire.UnimplementedPluginServer
	plugin  Plugin
	sandbox sandbox.Status
	scratch string
	refusal error // why it does not work at all
	rest    rest
}

func (s *server) Describe(context.Context, *wire.DescribeRequest) (*wire.Description, error) {
	if s.refusal != nil {
		return nil, Kinds().Status(s.refusal)
	}
	return &wire.Description{
		Name:          s.plugin.Name,
		Version:       s.plugin.Version,
		Renderer:      s.plugin.Renderer != nil,
		Decrypter:     s.plugin.Decrypter != nil,
		SecretSource:  s.plugin.SecretSource != nil,
		Serial:        s.plugin.Serial,
		ConfinedBy:    s.sandbox.By,
		NotConfinedBy: s.sandbox.Missing,
	}, nil
}

// call runs one call of the plugin's code. A panic is its error, without what
// the panic said: that may be a value of a secret.
func (s *server) call(f func() error) (err error) {
	defer s.rest.begin()()
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
		if err != nil {
			err = Kinds().Status(err)
		}
	}()
	if s.refusal != nil {
		return s.refusal
	}
	return f()
}

func panicked(p any) error {
	var bug runtime.Error
	if err, ok := p.(error); ok && errors.As(err, &bug) {
		return fmt.Errorf("%w: %T%s", wire.ErrPanic, bug, caller())
	}
	return fmt.Errorf("%w: panic with a %T%s", wire.ErrPanic, p, caller())
}

// caller names the function that panicked.
func caller() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	seen := false
	for {
		frame, more := frames.Next()
		inRuntime := len(frame.Function) > 8 && frame.Function[:8] == "runtime."
		if seen && !inRuntime {
			return " in " + frame.Function
		}
		seen = seen || frame.Function == "runtime.gopanic"
		if !more {
			return ""
		}
	}
}

func (s *server) Render(stream wire.Plugin_RenderServer) error {
	return s.call(func() error {
		if s.plugin.Renderer == nil {
			return fmt.Errorf("%s renders nothing", s.plugin.Name)
		}
		req, err := receiveRender(stream)
		if err != nil {
			return err
		}
		req.scratch = s.scratch
		result, err := s.plugin.Renderer.Render(stream.Context(), req)
		if err != nil {
			return err
		}
		return sendResult(stream, result)
	})
}

func receiveRender(stream wire.Plugin_RenderServer) (*RenderRequest, error) {
	message, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	start := message.GetStart()
	if start == nil {
		return nil, errors.New("the call does not begin with a start")
	}
	tree := newTree(exchange(stream))
	req := &RenderRequest{
		Application: start.GetApplication(),
		Path:        start.GetPath(),
		Tree:        tree,
		Host:        remote{tree},
		Namespace:   start.GetNamespace(),
		KubeVersion: start.GetKubeVersion(),
		APIVersions: start.GetApiVersions(),
		Env:         start.GetEnv(),
	}
	if start.GetHasOptions() {
		req.Options = json.RawMessage(start.GetOptions())
	}
	return req, nil
}

// exchange asks over the stream. The answers come in the order of the questions.
// Its caller sees to it that it is not called twice at once.
func exchange(stream wire.Plugin_RenderServer) func([]*wire.Ask) ([]*wire.Answer, error) {
	var last uint32
	return func(asks []*wire.Ask) ([]*wire.Answer, error) {
		for _, ask := range asks {
			last++
			ask.Id = last
			if err := stream.Send(&wire.FromRenderer{Message: &wire.FromRenderer_Ask{Ask: ask}}); err != nil {
				return nil, err
			}
		}
		answers := make([]*wire.Answer, len(asks))
		for i, ask := range asks {
			message, err := stream.Recv()
			if err != nil {
				return nil, err
			}
			if answers[i] = message.GetAnswer(); answers[i].GetId() != ask.GetId() {
				return nil, fmt.Errorf("the host answered %d, asked was %d", answers[i].GetId(), ask.GetId())
			}
		}
		return answers, nil
	}
}

// batch is how many bytes of documents go into one message, roughly.
const batch = 256 << 10

func sendResult(stream wire.Plugin_RenderServer, result *RenderResult) error {
	if result == nil {
		result = &RenderResult{}
	}
	var pending []*wire.Document
	size := 0
	flush := func() error {
		if len(pending) == 0 {
			return nil
		}
		err := stream.Send(&wire.FromRenderer{Message: &wire.FromRenderer_Documents{Documents: &wire.Documents{Documents: pending}}})
		pending, size = nil, 0
		return err
	}
	for _, d := range result.Documents {
		if len(d.Data) > wire.MaxData {
			return fmt.Errorf("%w: a document of %d bytes, %d are allowed", wire.ErrLimit, len(d.Data), wire.MaxData)
		}
		if size+len(d.Data) > batch {
			if err := flush(); err != nil {
				return err
			}
		}
		pending = append(pending, &wire.Document{Data: d.Data, File: d.File, Line: int32(d.Line)}) //nolint:gosec // no file has room for more lines
		size += len(d.Data) + len(d.File) + 16
	}
	if err := flush(); err != nil {
		return err
	}
	return stream.Send(&wire.FromRenderer{Message: &wire.FromRenderer_Done{Done: &wire.RenderDone{Warnings: result.Warnings}}})
}

func (s *server) Decrypt(ctx context.Context, in *wire.DecryptCall) (out *wire.DecryptReply, err error) {
	err = s.call(func() error {
		if s.plugin.Decrypter == nil {
			return fmt.Errorf("%s decrypts nothing", s.plugin.Name)
		}
		req := &DecryptRequest{Application: in.GetApplication(), Path: in.GetPath(), Format: in.GetFormat(), Data: in.GetData()}
		for _, k := range in.GetKeys() {
			req.Keys = append(req.Keys, Key{Kind: k.GetKind(), Name: k.GetName(), Material: k.GetMaterial(), Settings: k.GetSettings()})
		}
		var used []string
		req.used = &used
		plain, err := s.plugin.Decrypter.Decrypt(ctx, req)
		out = &wire.DecryptReply{Data: plain, Used: used}
		return err
	})
	return out, err
}

func (s *server) Fetch(stream wire.Plugin_FetchServer) error {
	return s.call(func() error {
		if s.plugin.SecretSource == nil {
			return fmt.Errorf("%s fetches nothing", s.plugin.Name)
		}
		message, err := stream.Recv()
		if err != nil {
			return err
		}
		start := message.GetStart()
		if start == nil {
			return errors.New("the call does not begin with a start")
		}
		result, err := s.plugin.SecretSource.Fetch(stream.Context(), &SecretRequest{
			Application:    start.GetApplication(),
			Namespace:      start.GetNamespace(),
			ExternalSecret: slices.Clip(start.GetExternalSecret()),
			Objects:        &objects{stream: stream},
		})
		if err != nil {
			return err
		}
		return stream.Send(&wire.FromSource{Message: &wire.FromSource_Done{Done: fetchDone(result)}})
	})
}

func fetchDone(result *SecretResult) *wire.FetchDone {
	if result == nil {
		return &wire.FetchDone{}
	}
	done := &wire.FetchDone{
		Type:        result.Type,
		Labels:      result.Labels,
		Annotations: result.Annotations,
		Immutable:   result.Immutable,
		Data:        make(map[string][]byte, len(result.Data)),
	}
	for name, value := range result.Data {
		done.Data[name] = value
	}
	return done
}

package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// objects is the plugin's side of Objects.
type objects struct {
	mu     sync.Mutex // one question at a time
	last   uint32
	stream wire.Plugin_FetchServer
}

func (o *objects) Get(ctx context.Context, apiVersion, kind, namespace, name string) (json.RawMessage, error) {
	return o.ask(ctx, &wire.ObjectAsk{What: &wire.ObjectAsk_Get{Get: &wire.GetObject{
		ApiVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name,
	}}})
}

func (o *objects) Token(ctx context.Context, namespace, serviceAccount string, audiences []string) (Material, error) {
	token, err := o.ask(ctx, &wire.ObjectAsk{What: &wire.ObjectAsk_Token{Token: &wire.GetToken{
		Namespace: namespace, ServiceAccount: serviceAccount, Audiences: audiences,
	}}})
	return Material(token), err
}

func (o *objects) ask(ctx context.Context, ask *wire.ObjectAsk) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.last++
	ask.Id = o.last
	if err := o.stream.Send(&wire.FromSource{Message: &wire.FromSource_Ask{Ask: ask}}); err != nil {
		return nil, err
	}
	message, err := o.stream.Recv()
	if err != nil {
		return nil, err
	}
	answer := message.GetAnswer()
	if answer.GetId() != ask.Id {
		return nil, fmt.Errorf("the host answered %d, asked was %d", answer.GetId(), ask.Id)
	}
	return answer.GetData(), Kinds().Error(answer.GetFailure())
}

package external

import (
	"context"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// A FetchFunc is a function as an [sdk.SecretSource]: the plugin host's Fetch
// with a plugin's name filled in.
type FetchFunc func(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error)

// Fetch implements [sdk.SecretSource].
func (f FetchFunc) Fetch(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	return f(ctx, req)
}

package sdk

import "github.com/tidelock-io/tidelock/plugins/sdk/wire"

// Kinds pairs the errors of this package with what stands for them on the wire.
// The host uses it; a plugin need not.
func Kinds() wire.Kinds {
	return append(wire.Kinds{
		{Kind: wire.Failure_NOT_MINE, Err: ErrNotMine},
		{Kind: wire.Failure_NO_KEY, Err: ErrNoKey},
	}, wire.Common()...)
}

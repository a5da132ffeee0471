package render

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

func TestErrorText(t *testing.T) {
	cause := errors.New("unknown field")
	for _, tt := range []struct {
		err  Error
		want string
	}{
		{Error{Err: cause}, "unknown field"},
		{Error{Where: "a/b.yaml:3", Err: cause}, "a/b.yaml:3: unknown field"},
		{Error{Application: "shop", Source: 2, Where: "a", Err: cause, Hint: "drop it"}, "source 2: a: unknown field; drop it"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
		if !errors.Is(&tt.err, cause) {
			t.Errorf("%v hides its cause", &tt.err)
		}
	}
}

// What may pass by itself is tried again; what follows from the files is not.
func TestLasting(t *testing.T) {
	failed := func(kind error) error {
		return &Error{Kind: kind, Err: fmt.Errorf("wrapped: %w", errors.New("x"))}
	}
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{failed(nil), true},
		{failed(ErrPath), true},
		{failed(ErrManifest), true},
		{failed(host.ErrTooLarge), true},
		{failed(ErrNoKey), false},
		{failed(errDecrypt), false},
		{failed(host.ErrCrashed), false},
		{failed(host.ErrTimeout), false},
		{failed(host.ErrUnavailable), false},
		{failed(host.ErrProtocol), false},
		{fmt.Errorf("deep: %w", sdk.ErrNoKey), false},
	} {
		if got := lasting(tt.err); got != tt.want {
			t.Errorf("lasting(%v) = %v", tt.err, got)
		}
	}
}

package wire_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/wire"
)

// TestStatus: an error keeps its text and its kind on the way.
func TestStatus(t *testing.T) {
	kinds := sdk.Kinds()
	for _, tt := range []struct {
		err  error
		is   error
		text string
	}{
		{errors.New("plain"), nil, "plain"},
		{fmt.Errorf("apps: %w", sdk.ErrNotMine), sdk.ErrNotMine, "apps: not a directory of this renderer's kind"},
		{fmt.Errorf("a.yaml: %w: age1xyz", sdk.ErrNoKey), sdk.ErrNoKey, "a.yaml: no key opens this file: age1xyz"},
		{&fs.PathError{Op: "open", Path: "a", Err: fs.ErrNotExist}, fs.ErrNotExist, "open a: file does not exist"},
		{fmt.Errorf("%w: 5 bytes", wire.ErrLimit), wire.ErrLimit, "over the limit: 5 bytes"},
		{errors.New("a\nb\x1b[2J\u202ec"), nil, "a b[2Jc"},
		{errors.New(strings.Repeat("x", 1<<20)), nil, strings.Repeat("x", 8<<10)},
	} {
		got, ok := kinds.FromStatus(kinds.Status(tt.err))
		if !ok || got.Error() != tt.text || tt.is != nil && !errors.Is(got, tt.is) {
			t.Errorf("%.100q came back as %.100q, %v; want %.100q that is %v", tt.err, got, ok, tt.text, tt.is)
		}
		for _, pair := range kinds {
			if !errors.Is(tt.is, pair.Err) && errors.Is(got, pair.Err) {
				t.Errorf("%.100q came back as %v", tt.err, pair.Err)
			}
		}
	}
}

// TestNotSaid: what the connection says is not what the plugin says.
func TestNotSaid(t *testing.T) {
	for _, err := range []error{status.Error(codes.Unavailable, "EOF"), errors.New("plain")} {
		if got, ok := sdk.Kinds().FromStatus(err); ok || !errors.Is(got, err) {
			t.Errorf("FromStatus(%v) = %v, %v", err, got, ok)
		}
	}
}

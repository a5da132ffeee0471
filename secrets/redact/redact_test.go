package redact

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/secrets"
)

func TestString(t *testing.T) {
	const plain = `p"ss w0rd+è/x`
	multi := "first line of a key\nsecond line of a key"
	r := New(secrets.New([]byte(plain)), secrets.New([]byte(multi)), secrets.New([]byte("short")))
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "all is well", "all is well"},
		{"raw", "denied for " + plain + "!", "denied for (hidden)!"},
		{"quoted", fmt.Sprintf("got %q", "x"), `got "x"`},
		{"JSON", `{"p":"p\"ss w0rd+è/x"}`, `{"p":"(hidden)"}`},
		{"base64", base64.StdEncoding.EncodeToString([]byte(multi)), "(hidden)="},
		{"URL base64", base64.URLEncoding.EncodeToString([]byte(plain)), "(hidden)=="},
		{"hex", hex.EncodeToString([]byte(plain)), "(hidden)"},
		{"query", "GET /?p=" + url.QueryEscape(plain), "GET /?p=(hidden)"},
		{"whole", multi, "(hidden)"},
		{"a line of it", "bad PEM: second line of a key", "bad PEM: (hidden)"},
		{"short ones stay", "short", "short"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := r.String(tt.in); strings.TrimRight(got, "=") != strings.TrimRight(tt.want, "=") {
				t.Errorf("String(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestError(t *testing.T) {
	r := New(secrets.New([]byte("hunter2hunter2")))
	err := fmt.Errorf("login with hunter2hunter2: %w", fs.ErrPermission)
	got := r.Error(err)
	if got.Error() != "login with (hidden): permission denied" {
		t.Errorf("error %q", got)
	}
	if !errors.Is(got, fs.ErrPermission) {
		t.Error("its kind is lost")
	}
	if errors.Unwrap(got) != nil {
		t.Error("the error with the text can be reached")
	}
	if r.Error(nil) != nil || (Redactor{}).Error(err) != err { //nolint:errorlint // the very same
		t.Error("nothing to take out must change nothing")
	}
}

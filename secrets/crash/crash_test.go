package crash

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const canary = "hunter2-canary"

func burst(how string, text []byte) {
	switch how {
	case "a text":
		panic(string(text))
	case "an error":
		panic(fmt.Errorf("cannot use %s", text))
	case "bytes":
		panic(text)
	case "an index":
		_ = text[len(text)+len(canary)]
	}
}

func TestRecover(t *testing.T) {
	for how, kind := range map[string]string{"a text": "string", "an error": "*fmt.fmtError", "bytes": "[]uint8", "an index": "runtime.boundsError"} {
		err := Guard("resolve secrets", func() error { burst(how, []byte(canary)); return nil })
		var crash *Error
		if !errors.As(err, &crash) || len(crash.Frames) == 0 || !strings.Contains(crash.Frames[0], "crash.burst (crash_test.go:") {
			t.Errorf("%s: got %v", how, err)
			continue
		}
		if how != "an error" && crash.Kind != kind { // that one is not ours to name
			t.Errorf("%s: it is a %s, want %s", how, crash.Kind, kind)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, crash, crash); strings.Contains(text, "hunter2") || !strings.HasPrefix(err.Error(), "resolve secrets: internal error: panic with a ") {
			t.Errorf("%s: it says %s", how, text)
		}
	}
}

func TestNoPanic(t *testing.T) {
	want := errors.New("an error")
	if err := Guard("x", func() error { return want }); err != want { //nolint:errorlint // the very same
		t.Errorf("got %v", err)
	}
	if err := Guard("x", func() error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
}

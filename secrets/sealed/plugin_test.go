package sealed_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// TestMain lets the test binary be its own plugin, as tidelock is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "plugin" && os.Args[2] == "serve" {
		sdk.Serve(sdk.Plugin{Name: "sealed", SecretSource: sealed.Source{}})
		return
	}
	os.Exit(m.Run())
}

// process is the plugin "sealed" in a process of its own.
type process struct{ host *host.Host }

func (p process) Fetch(ctx context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	return p.host.Fetch(ctx, "sealed", req)
}

// TestTemplateBomb: a template that asks for all memory fails, the next one
// works, and we are still here.
func TestTemplateBomb(t *testing.T) {
	h, err := host.New(host.Config{Plugins: []host.Spec{{Name: "sealed"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	remote := sealed.Remote{Plugin: process{h}}
	values := map[string]secrets.Value{"k": secrets.New([]byte("c4n4ry-plain-text"))}
	for _, tt := range []struct{ name, text, want string }{
		{"works", "<{{ .k }}>", "<c4n4ry-plain-text>"},
		{"fails", "{{ fail .k }}", "ERROR stops at line 1"},
		{"writes too much", `{{ range until 100000 }}{{ $.k | repeat 1000 }}{{ end }}`, "ERROR writes more than"},
		{"takes all memory", `{{ $x := repeat 1000000 .k }}{{ range until 1000 }}{{ $x = cat $x $x }}{{ end }}`, "ERROR plugin sealed"},
		{"works again", "<{{ .k }}>", "<c4n4ry-plain-text>"},
	} {
		if tt.name == "takes all memory" && unbounded {
			continue
		}
		got, err := remote.Execute(t.Context(), map[string]string{"t": tt.text}, values)
		want, isError := strings.CutPrefix(tt.want, "ERROR ")
		switch {
		case !isError && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case !isError:
			if text := string(got["t"].Reveal()); text != want {
				t.Errorf("%s: %q, want %q", tt.name, text, want)
			}
		case !errors.Is(err, sealed.ErrTemplate) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "c4n4ry"):
			t.Errorf("%s: error %v, want %q", tt.name, err, want)
		}
	}
}

package sdk_test

import (
	"fmt"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

func TestParameters(t *testing.T) {
	for _, tt := range []struct{ options, want string }{
		{"", "- <nil>"},
		{`{"name": "x", "env": [{"name": "A", "value": "b"}]}`, "- <nil>"},
		{`{"parameters": [{"name": "a", "string": "1"}]}`, "1 <nil>"},
		{`{"parameters": [{"name": "a", "string": ""}]}`, " <nil>"},
		{`{"parameters": [{"name": "b", "string": "1"}]}`, `- spec.source.plugin.parameters: there is no parameter "b": known are a, c`},
		{`{"noSuchOption": 1}`, `- spec.source.plugin: unknown field "noSuchOption"`},
	} {
		req := &sdk.RenderRequest{Options: []byte(tt.options)}
		p, err := req.Parameters("a", "c")
		if got := fmt.Sprint(p.Text("a", "-"), " ", err); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.options, got, tt.want)
		}
	}
}

package forge_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
)

func TestPlugin(t *testing.T) {
	const asked = `POST /base/api/v1/getparams.execute {"applicationSetName":"previews","input":{"parameters":{"team":"shop"}}}`
	for _, tt := range []struct {
		name    string
		objects objects // URL stands for the server's address
		answer  answer
		want    string // the answer, or a part of the error
	}{
		{"a list", objects{"plug/baseUrl": "URL/base/", "plug/token": "$token:value"}, answer{body: `{"output": {"parameters": [{"name": "a", "n": 1, "deep": {"x": [true]}}]}}`}, `[{"deep":{"x":[true]},"n":1,"name":"a"}]`},
		{"a token of the usual Secret", objects{"plug/baseUrl": "URL/base", "plug/token": "$plugin.token", "argocd-secret/plugin.token": planted}, answer{body: `{"output": {"parameters": []}}`}, `[]`},
		{"a time of its own", objects{"plug/baseUrl": "URL/base", "plug/token": "$token:value", "plug/requestTimeout": " 60 "}, answer{body: `{"output": {"parameters": []}}`}, `[]`},
		{"nothing that is a list", objects{"plug/baseUrl": "URL/base", "plug/token": "$token:value"}, answer{body: `{"parameters": []}`}, "answers without output.parameters"},
		{"null for a list", objects{"plug/baseUrl": "URL/base", "plug/token": "$token:value"}, answer{body: `{"output": {"parameters": null}}`}, "answers without output.parameters"},
		{"something else than maps", objects{"plug/baseUrl": "URL/base", "plug/token": "$token:value"}, answer{body: `{"output": {"parameters": ["a"]}}`}, "something else than was asked for"},
		{"a failure", objects{"plug/baseUrl": "URL/base", "plug/token": "$token:value"}, answer{status: http.StatusInternalServerError, body: `{"message": "no database"}`}, "status 500 (no database)"},
		{"a token that it refuses", objects{"plug/baseUrl": "URL/base", "plug/token": "$other:value", "other/value": "wrong"}, answer{}, "status 401 (Bad credentials); the token is that of Secret other"},
		{"no ConfigMap", objects{}, answer{}, "ConfigMap plug: there is no ConfigMap plug"},
		{"no address", objects{"plug/token": "$token:value"}, answer{}, "baseUrl: it is no address"},
		{"a token in clear", objects{"plug/baseUrl": "URL/base", "plug/token": planted}, answer{}, "names no item of a Secret"},
		{"no token", objects{"plug/baseUrl": "URL/base"}, answer{}, "names no item of a Secret"},
		{"no such item", objects{"plug/baseUrl": "URL/base", "plug/token": "$token:gone"}, answer{}, "Secret token has no key gone"},
		{"no such Secret", objects{"plug/baseUrl": "URL/base", "plug/token": "$gone:value"}, answer{}, "there is no Secret gone"},
		{"no number of seconds", objects{"plug/baseUrl": "URL/base", "plug/token": "$token:value", "plug/requestTimeout": "1m"}, answer{}, `requestTimeout "1m" is no number of seconds`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, "Authorization: Bearer "+planted, map[string]answer{asked: tt.answer})
			objects := own(tt.objects)
			for at, text := range objects {
				objects[at] = strings.ReplaceAll(text, "URL", w.URL)
			}
			g := &api.PluginGenerator{
				ConfigMapRef: api.PluginConfigMapRef{Name: "plug"},
				Input:        api.PluginInput{Parameters: map[string]api.AnyJSON{"team": {Raw: []byte(`"shop"`)}}},
			}
			list, err := answersFor(t, forge.Options{}, objects).Plugin(t.Context(), g)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) || strings.HasPrefix(tt.want, "[") || strings.Contains(err.Error(), planted) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				return
			}
			text, err := json.Marshal(list)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, string(text), tt.want)
		})
	}
}

// A plugin that is asked for nothing gets a map all the same.
func TestPluginWithoutInput(t *testing.T) {
	w := newWorld(t, "", map[string]answer{
		`POST /api/v1/getparams.execute {"applicationSetName":"previews","input":{"parameters":{}}}`: {body: `{"output": {"parameters": []}}`},
	})
	in := own(objects{"plug/baseUrl": w.URL, "plug/token": "$token:value"})
	if _, err := answersFor(t, forge.Options{}, in).Plugin(t.Context(), &api.PluginGenerator{ConfigMapRef: api.PluginConfigMapRef{Name: "plug"}}); err != nil {
		t.Fatal(err)
	}
}

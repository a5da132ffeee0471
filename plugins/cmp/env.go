package cmp

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// defaultPath is where programs are looked for if the plugin's own environment
// does not say.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// A parameter has one value of three kinds.
type parameter struct {
	Name   string            `json:"name,omitempty"`
	String *string           `json:"string,omitempty"`
	Map    map[string]string `json:"map,omitzero"`
	Array  []string          `json:"array,omitzero"`
}

// environment is what the commands find, as in Argo CD: the sidecar's own
// environment, the build environment, the Application's variables, which have
// their prefix already, and its parameters. Later ones win.
func environment(c Config, w *sdk.Workspace, req *sdk.RenderRequest, o *options) map[string]string {
	env := map[string]string{"PATH": defaultPath, "HOME": w.Home, "TMPDIR": w.Temp}
	maps.Copy(env, c.Env)
	maps.Copy(env, req.Env)
	if req.Options != nil {
		maps.Copy(env, parameterEnv(o.Parameters))
	}
	return env
}

func parameterEnv(parameters []parameter) map[string]string {
	all, err := json.Marshal(parameters)
	if err != nil {
		all = []byte("null") // of texts nothing can fail
	}
	env := map[string]string{"ARGOCD_APP_PARAMETERS": string(all)}
	for _, p := range parameters {
		name := "PARAM_" + variable(p.Name)
		if p.String != nil {
			env[name] = *p.String
		}
		for key, value := range p.Map {
			env[name+"_"+variable(key)] = value
		}
		for i, value := range p.Array {
			env[fmt.Sprintf("%s_%d", name, i)] = value
		}
	}
	return env
}

var notOfVariables = regexp.MustCompile(`[^A-Z0-9_]`)

// variable makes a name fit for a variable, as Argo CD does.
func variable(name string) string {
	return notOfVariables.ReplaceAllString(strings.ToUpper(name), "_")
}

// pairs prints an environment as a process wants it.
func pairs(env map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, name+"="+env[name])
	}
	return all
}

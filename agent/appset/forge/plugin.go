package forge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets"
)

// Where the token of a plugin is, if its ConfigMap names no Secret.
const defaultPluginSecret = "argocd-secret"

// pluginPath is what a plugin is asked at, below its address.
const pluginPath = "/api/v1/getparams.execute"

// Plugin asks a service, which a ConfigMap of the agent's namespace names:
//
//	baseUrl: http://service.namespace.svc
//	token: $secret:key         # or $key, of argocd-secret
//	requestTimeout: "60"       # seconds
func (a *Answers) Plugin(ctx context.Context, g *api.PluginGenerator) ([]map[string]any, error) {
	answer, err := a.plugin(ctx, g)
	if err != nil {
		return nil, fmt.Errorf("ConfigMap %s: %w", g.ConfigMapRef.Name, err)
	}
	return answer, nil
}

func (a *Answers) plugin(ctx context.Context, g *api.PluginGenerator) ([]map[string]any, error) {
	data, err := a.agent.ConfigMap(ctx, g.ConfigMapRef.Name)
	if err != nil {
		return nil, err
	}
	base, err := addressOf(strings.TrimSpace(data["baseUrl"]))
	if err != nil {
		return nil, fmt.Errorf("baseUrl: %w", err)
	}
	base.Path = strings.TrimRight(base.Path, "/")
	timeout, err := timeoutOf(data["requestTimeout"], a.forge.options.Timeout)
	if err != nil {
		return nil, err
	}
	token, from, err := a.pluginToken(ctx, strings.TrimSpace(data["token"]))
	if err != nil {
		return nil, err
	}
	s := &server{
		product: "the plugin", base: base, client: a.forge.client(a.forge.shared, timeout), options: a.forge.options,
		accept: "application/json", header: "Authorization", scheme: "Bearer ", token: token, secret: from,
	}
	return s.parameters(ctx, a.set, g)
}

// timeoutOf is that of a request, in seconds; none and 0 are the usual one.
func timeoutOf(text string, usual time.Duration) (time.Duration, error) {
	if text = strings.TrimSpace(text); text == "" {
		return usual, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 32)
	if err != nil || seconds < 0 {
		return 0, fmt.Errorf("requestTimeout %.20q is no number of seconds", text)
	}
	return cmp.Or(time.Duration(seconds)*time.Second, usual), nil
}

// pluginToken reads what "$secret:key" names. Argo CD demands that, too: a token in a
// ConfigMap is none.
func (a *Answers) pluginToken(ctx context.Context, ref string) (token secrets.Value, from string, err error) {
	name, isRef := strings.CutPrefix(ref, "$")
	if !isRef || name == "" {
		return token, "", fmt.Errorf("token: it names no item of a Secret: write $SECRET:KEY, or $KEY for one of %s", defaultPluginSecret)
	}
	secret, key, ok := strings.Cut(name, ":")
	if !ok {
		secret, key = defaultPluginSecret, name
	}
	items, err := a.agent.Secret(ctx, secret)
	if err != nil {
		return token, "", fmt.Errorf("token: %w", err)
	}
	token, ok = items[key]
	if !ok {
		return token, "", fmt.Errorf("token: Secret %s has no key %s", secret, key)
	}
	return token, "Secret " + secret, nil
}

type pluginQuestion struct {
	ApplicationSetName string      `json:"applicationSetName"`
	Input              pluginInput `json:"input"`
}

type pluginInput struct {
	Parameters map[string]api.AnyJSON `json:"parameters"`
}

type pluginAnswer struct {
	Output *struct {
		Parameters []map[string]any
	}
}

// parameters asks for them. An answer without a list is an error: an empty list would
// delete Applications.
func (s *server) parameters(ctx context.Context, set string, g *api.PluginGenerator) ([]map[string]any, error) {
	question := pluginQuestion{set, pluginInput{g.Input.Parameters}}
	if question.Input.Parameters == nil {
		question.Input.Parameters = map[string]api.AnyJSON{}
	}
	body, err := json.Marshal(question)
	if err != nil {
		return nil, fmt.Errorf("input.parameters: %w", err)
	}
	var answer pluginAnswer
	if _, err := s.call(ctx, request{method: http.MethodPost, path: pluginPath, body: body}, &answer); err != nil {
		return nil, err
	}
	if answer.Output == nil || answer.Output.Parameters == nil {
		return nil, fmt.Errorf("the plugin at %s answers without output.parameters, which is a list of maps", s.base.Host)
	}
	return answer.Output.Parameters, nil
}

package helm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// options are spec.source.helm of an Application (SEMANTICS.md 1.2).
type options struct {
	ReleaseName             string          `json:"releaseName"`
	Namespace               string          `json:"namespace"`
	ValueFiles              []string        `json:"valueFiles"`
	IgnoreMissingValueFiles bool            `json:"ignoreMissingValueFiles"`
	Values                  string          `json:"values"`
	ValuesObject            json.RawMessage `json:"valuesObject"`
	Parameters              []parameter     `json:"parameters"`
	FileParameters          []fileParameter `json:"fileParameters"`
	SkipCrds                bool            `json:"skipCrds"`
	SkipTests               bool            `json:"skipTests"`
	SkipSchemaValidation    bool            `json:"skipSchemaValidation"`
	// PassCredentials is accepted: whose credentials go where is the host's to
	// decide, which fetches.
	PassCredentials bool     `json:"passCredentials"`
	Version         string   `json:"version"`
	KubeVersion     string   `json:"kubeVersion"`
	APIVersions     []string `json:"apiVersions"`
}

type parameter struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	ForceString bool   `json:"forceString"`
}

type fileParameter struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

func parseOptions(data json.RawMessage) (*options, error) {
	o := &options{}
	if len(data) == 0 {
		return o, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(o); err != nil {
		return nil, fmt.Errorf("spec.source.helm: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return o, nil
}

// substitute replaces $NAME and ${NAME} by the build environment; $$ stands for
// a dollar sign, an unknown name for nothing.
func (r *rendering) substitute(text string) string {
	return os.Expand(text, func(name string) string {
		if name == "$" {
			return "$"
		}
		return r.req.Env[name]
	})
}

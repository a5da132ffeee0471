package render

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets"
)

// A Value is given to a renderer besides what is in Git: a Helm value file, or a Helm
// parameter if it has a Path, or a file of the tree if it has a name as such. Its bytes
// go to the renderer and nowhere else; what is remembered of them are marks.
type Value struct {
	// From and Key name it in messages: "Secret argocd/api, key values.yaml".
	From, Key string
	// Secret says that messages must not repeat it.
	Secret bool
	Plain  secrets.Value
	// Path is where the parameter is set: "database.password".
	Path string
	// File is relative to the source's path.
	File string
}

// A GivenValue is what is known of a Value afterwards: where it was from, what it was
// made, and a mark. Equal marks, equal values, within one process.
type GivenValue struct {
	From string `json:"from"`
	Path string `json:"path,omitempty"`
	File string `json:"file,omitempty"`
	Mark string `json:"mark"`
}

// given tells values apart without giving anything of them away.
func given(values []Value) []GivenValue {
	var all []GivenValue
	for _, v := range values {
		all = append(all, GivenValue{v.String(), v.Path, v.File, v.Plain.Mark()})
	}
	return all
}

// bytes are for the renderer, and to find what must not be said.
func (v *Value) bytes() []byte { return v.Plain.Reveal() }

// String says where it is from.
func (v *Value) String() string { return v.From + ", key " + v.Key }

// id names a value in a path, the same for the same place.
func (v *Value) id() string {
	return strings.ToLower(strings.ReplaceAll(v.From, " ", "/")) + "/" + v.Key
}

// valued gives a source the values that are not files of the tree.
func (p *pass) valued(kind api.SourceType, source api.Source) (api.Source, error) {
	helm := api.HelmSource{}
	if source.Helm != nil {
		helm = *source.Helm
	}
	files, parameters := helm.ValueFiles, helm.FileParameters
	for _, v := range p.req.Values {
		switch {
		case v.File != "":
			if at := path.Join(source.Path, v.File); at == ".." || strings.HasPrefix(at, "../") {
				return source, valueError(v, fmt.Errorf("file: %s leads out of the repository", v.File), "write it relative to the source's path")
			}
			continue
		case kind != api.SourceTypeHelm:
			return source, valueError(v, fmt.Errorf("it is meant for Helm, and %s renders the source", strings.ToLower(string(kind))), "give file: NAME to make it a file of the source, or source: to say for which source it is")
		case v.Path != "":
			parameters = append(parameters[:len(parameters):len(parameters)], api.HelmFileParameter{Name: v.Path, Path: "/" + v.place(source.Path)})
		default:
			files = append(files[:len(files):len(files)], "/"+v.place(source.Path))
		}
		source.Helm = &helm
	}
	helm.ValueFiles, helm.FileParameters = files, parameters
	return source, nil
}

func valueError(v Value, err error, hint string) error {
	return &Error{Where: v.String(), Kind: errValue, Err: err, Hint: hint + " (annotation " + api.AnnotationValuesFrom + ")"}
}

// errValue: a value was given that has no use.
var errValue = errors.New("no such use of a value")

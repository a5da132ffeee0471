package render

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets"
)

// Lookup reads an object of the destination, if the Application allows its kind.
// The values of a Secret are hidden in messages, like what was decrypted.
func (b beyond) Lookup(ctx context.Context, o sdk.Object) (json.RawMessage, error) {
	p := b.pass
	p.out.usesLookups = true
	kind := o.APIVersion + "/" + o.Kind
	switch {
	case !slices.Contains(p.req.Lookups, kind):
		return nil, &notLookedUp{fmt.Sprintf("it looks into the cluster, which is not allowed here; state the value in Git, or allow %s by the annotation %s", kind, api.AnnotationLookup)}
	case p.req.Lookup == nil:
		return nil, &notLookedUp{"it looks into the cluster, and there is none here"}
	}
	data, err := p.req.Lookup(ctx, o)
	if err != nil {
		return nil, &Error{Kind: errLookup, Err: fmt.Errorf("look up %s: %w", o, err)}
	}
	if strings.EqualFold(o.Kind, "Secret") {
		p.view.redactor.add(nil, valuesOf(data))
	}
	p.out.result.Lookups = append(p.out.result.Lookups, Lookup{o, markOf(data)})
	return data, nil
}

// notLookedUp is an error from which a renderer may go on.
type notLookedUp struct{ why string }

func (e *notLookedUp) Error() string { return e.why }
func (e *notLookedUp) Unwrap() error { return fs.ErrNotExist }

// errLookup: an object of the destination could not be read.
var errLookup = errors.New("cannot look up")

// valuesOf returns the values of a Secret, or of a list of such, encoded and
// plain.
func valuesOf(data []byte) []byte {
	type secret struct {
		Data map[string]string `json:"data"`
	}
	var found struct {
		secret
		Items []secret `json:"items"`
	}
	if err := json.Unmarshal(data, &found); err != nil {
		return data // then all of it
	}
	var values []byte
	for _, s := range append(found.Items, found.secret) {
		for _, value := range s.Data {
			values = append(append(values, value...), '\n')
			if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
				values = append(append(values, plain...), '\n')
			}
		}
	}
	return values
}

// lookupsHold says whether the objects that a render read are as they were.
func lookupsHold(ctx context.Context, req *Request, kept *Result) bool {
	for _, l := range kept.Lookups {
		if req.Lookup == nil {
			return false
		}
		data, err := req.Lookup(ctx, l.Object)
		if err != nil || markOf(data) != l.Mark {
			return false
		}
	}
	return true
}

// markOf tells one object from another without giving anything of it away.
func markOf(data []byte) string { return secrets.New(data).Mark() }

package manifest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/tidelock-io/tidelock/secrets"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// An Object is one Kubernetes object as it should be. It is immutable: Edit
// returns another. It prints as its key.
type Object struct {
	Key         Key
	Version     string
	Labels      map[string]string
	Annotations map[string]string
	Origin      Origin
	// MadeOf is the object that this Secret was made of, where it was; else zero.
	MadeOf Key

	body    []byte                   // JSON, keys sorted; of a Secret, without data
	data    map[string]secrets.Value // of a Secret
	hash    string
	defines *definition // of a CustomResourceDefinition
}

// ErrInvalid is in every error of a document that is no Kubernetes object.
var ErrInvalid = errors.New("not a Kubernetes object")

// New makes an Object of a decoded body, which it takes over and normalises:
// what only a server or a controller may state is dropped (status,
// managedFields, ...), stringData becomes data (DRIFT.md rule 4).
func New(body map[string]any, origin Origin) (*Object, error) {
	o := &Object{Origin: origin}
	if err := o.fill(body); err != nil {
		return nil, &LocatedError{origin, err}
	}
	return o, nil
}

// fill takes over body. What o.data holds already is kept, unless body states
// the same items.
func (o *Object) fill(body map[string]any) error {
	if err := o.identify(body); err != nil {
		return err
	}
	o.normalise(body)
	if o.Key.Kind == "CustomResourceDefinition" {
		o.defines = definedBy(body)
	}
	if o.isSecret() {
		if err := o.takeData(body); err != nil {
			return fmt.Errorf("%s: %w", o.Key, err)
		}
	}
	return o.seal(body)
}

// identify reads what names the object and what the engine steers by.
func (o *Object) identify(body map[string]any) error {
	apiVersion, _ := body["apiVersion"].(string)
	kind, _ := body["kind"].(string)
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil || gv.Version == "" || kind == "" || !isName(gv.Group) || !isName(gv.Version) || !isName(kind) {
		return fmt.Errorf("%w: it needs apiVersion and kind, and has apiVersion %.80q and kind %.80q", ErrInvalid, apiVersion, kind)
	}
	meta, ok := body["metadata"].(map[string]any)
	if !ok {
		return fmt.Errorf("%w: %s without metadata", ErrInvalid, kind)
	}
	names := map[string]string{}
	for _, field := range []string{"name", "generateName", "namespace"} {
		if names[field], err = nameField(meta, field); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	if names["name"] == "" && names["generateName"] == "" {
		return fmt.Errorf("%w: %s without metadata.name", ErrInvalid, kind)
	}
	o.Key = Key{Group: gv.Group, Kind: kind, Namespace: names["namespace"], Name: names["name"]}
	o.Version = gv.Version
	if o.Labels, err = stringMap(meta, "labels"); err != nil {
		return fmt.Errorf("%s: %w", o.Key, err)
	}
	if o.Annotations, err = stringMap(meta, "annotations"); err != nil {
		return fmt.Errorf("%s: %w", o.Key, err)
	}
	return nil
}

// nameField reads a field of metadata that names something. Names go into
// messages and URLs, so that what no kind allows is refused here.
func nameField(meta map[string]any, field string) (string, error) {
	if meta[field] == nil || meta[field] == "" {
		delete(meta, field)
		return "", nil
	}
	name, ok := meta[field].(string)
	if !ok {
		return "", fmt.Errorf("%w: metadata.%s is not a string: put it in quotes", ErrInvalid, field)
	}
	if !isName(name) {
		return "", fmt.Errorf("%w: metadata.%s %.80q cannot name an object", ErrInvalid, field, name)
	}
	return name, nil
}

// isName allows what any kind of name may be.
func isName(s string) bool {
	return len(s) <= 253 && len(content.IsPathSegmentName(s)) == 0 &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) })
}

// stringMap reads metadata.labels or metadata.annotations. The API server
// refuses values that are not strings; the error here names the key.
func stringMap(meta map[string]any, field string) (map[string]string, error) {
	if meta[field] == nil {
		delete(meta, field)
		return nil, nil
	}
	m, ok := meta[field].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: metadata.%s is not a map", ErrInvalid, field)
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		s, ok := v.(string)
		if !ok && v != nil {
			return nil, fmt.Errorf("%w: metadata.%s: value of %.80q is not a string: put it in quotes", ErrInvalid, field, k)
		}
		out[k], m[k] = s, s
	}
	return out, nil
}

// lastApplied is where kubectl keeps a copy of the object, of a Secret with all
// it holds.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// normalise drops what must not be applied.
func (o *Object) normalise(body map[string]any) {
	delete(body, "status")
	meta := body["metadata"].(map[string]any)
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"} {
		delete(meta, field)
	}
	if annotations, ok := meta["annotations"].(map[string]any); ok {
		delete(annotations, lastApplied)
		delete(o.Annotations, lastApplied)
	}
	if o.Key.Kind == "ClusterRole" && body["aggregationRule"] != nil {
		delete(body, "rules")
	}
}

func (o *Object) isSecret() bool { return o.Key.Group == "" && o.Key.Kind == "Secret" }

// takeData moves a Secret's data and stringData out of its body.
func (o *Object) takeData(body map[string]any) error {
	data := maps.Clone(o.data)
	for _, field := range []string{"data", "stringData"} {
		items, ok := body[field].(map[string]any)
		if !ok && body[field] != nil {
			return fmt.Errorf("%w: %s is not a map", ErrInvalid, field)
		}
		delete(body, field)
		for key, item := range items {
			value, err := takeItem(field, key, item)
			if err != nil {
				return err
			}
			if data == nil {
				data = map[string]secrets.Value{}
			}
			data[key] = value
		}
	}
	o.data = data
	return nil
}

// takeItem reads one item. Its errors name the key and never the value.
func takeItem(field, key string, item any) (secrets.Value, error) {
	text, ok := item.(string)
	if !ok && item != nil {
		return secrets.Value{}, fmt.Errorf("%w: %s: value of %.80q is not a string: put it in quotes", ErrInvalid, field, key)
	}
	if field == "stringData" {
		return secrets.New([]byte(text)), nil
	}
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return secrets.Value{}, fmt.Errorf("%w: data: value of %.80q is not base64: encode it, or use stringData", ErrInvalid, key)
	}
	return secrets.New(plain), nil
}

// seal encodes body and computes the hash.
func (o *Object) seal(body map[string]any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Key, err)
	}
	o.body = raw
	sum := sha256.New()
	sum.Write(raw)
	for _, key := range slices.Sorted(maps.Keys(o.data)) {
		fmt.Fprintf(sum, "\x00%s\x00%s", key, o.data[key].Mark())
	}
	o.hash = hex.EncodeToString(sum.Sum(nil)[:16])
	return nil
}

// Body decodes the object. Of a Secret it lacks data: see Data.
func (o *Object) Body() map[string]any {
	var body map[string]any
	if err := utiljson.Unmarshal(o.body, &body); err != nil {
		panic(err) //nolint:forbidigo // seal encoded it
	}
	return body
}

// JSON returns the body as it is kept, which the caller must not change. Of a
// Secret it lacks data.
func (o *Object) JSON() []byte { return o.body }

// Data returns what a Secret holds, which the caller must not change; nil for
// other kinds.
func (o *Object) Data() map[string]secrets.Value { return o.data }

// Size is about how many bytes the object takes.
func (o *Object) Size() int {
	n := len(o.body)
	for key, value := range o.data {
		n += len(key) + value.Len()
	}
	return n
}

// Hash is equal for equal objects, within one process (see secrets.Value.Mark).
func (o *Object) Hash() string { return o.hash }

// GVK returns group, version and kind.
func (o *Object) GVK() schema.GroupVersionKind { return o.Key.GroupKind().WithVersion(o.Version) }

// APIVersion returns "apps/v1".
func (o *Object) APIVersion() string { return o.GVK().GroupVersion().String() }

// Edit returns a copy whose body was changed by edit. A Secret keeps its data,
// which edit does not see; what edit sets of data or stringData is added to it.
func (o *Object) Edit(edit func(body map[string]any)) (*Object, error) {
	body := o.Body()
	edit(body)
	n := &Object{Origin: o.Origin, MadeOf: o.MadeOf, data: o.data}
	if err := n.fill(body); err != nil {
		return nil, &LocatedError{o.Origin, err}
	}
	if n.data != nil && !n.isSecret() {
		return nil, &LocatedError{o.Origin, fmt.Errorf("%w: %s was a Secret and holds data", ErrInvalid, n.Key)}
	}
	Set{o, n}.Share()
	return n, nil
}

// From returns a copy that was made of another object.
func (o *Object) From(source Key) *Object {
	n := *o
	n.MadeOf = source
	return &n
}

// WithData returns a copy of a Secret that holds data.
func (o *Object) WithData(data map[string]secrets.Value) (*Object, error) {
	if !o.isSecret() {
		return nil, &LocatedError{o.Origin, fmt.Errorf("%w: %s is no Secret and cannot hold data", ErrInvalid, o.Key)}
	}
	n := *o
	n.data = data
	if err := n.seal(o.Body()); err != nil {
		return nil, &LocatedError{o.Origin, err}
	}
	return &n, nil
}

// Reveal returns the whole object as JSON, secret bytes included. Only
// agent/apply calls it, for the request body, and the printer that a person
// told to show secrets.
func (o *Object) Reveal() []byte {
	if len(o.data) == 0 {
		return o.body
	}
	body := o.Body()
	body["data"] = o.encoded()
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) //nolint:forbidigo // strings in a map
	}
	return raw
}

// encoded returns the data as a Secret's body has it.
func (o *Object) encoded() map[string]any {
	data := make(map[string]any, len(o.data))
	for key, value := range o.data {
		data[key] = base64.StdEncoding.EncodeToString(value.Reveal())
	}
	return data
}

// String prints the key and nothing of the body.
func (o *Object) String() string { return o.Key.String() }

// MarshalJSON shows the body with every secret masked.
func (o *Object) MarshalJSON() ([]byte, error) {
	if len(o.data) == 0 {
		return o.body, nil
	}
	body := o.Body()
	body["data"] = o.data
	return json.Marshal(body)
}

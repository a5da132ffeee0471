package cluster

import (
	"bytes"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	serializerjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// What the agent does is for the most part to read JSON, and the usual codecs go
// over the text of one event of a watch up to ten times, to learn what kind it is,
// where the object in it ends, and whether it is a list. A codec here goes by what
// servers write first, and leaves all that is not as usual to the usual one.
type codec struct {
	runtime.NegotiatedSerializer
	media []runtime.SerializerInfo
}

// SupportedMediaTypes is part of a runtime.NegotiatedSerializer.
func (c codec) SupportedMediaTypes() []runtime.SerializerInfo { return c.media }

// newCodec has JSON read by objects, and the events of watches in the lean way.
func newCodec(usual runtime.NegotiatedSerializer, objects func(usual runtime.Serializer) runtime.Serializer) codec {
	c := codec{NegotiatedSerializer: usual}
	for _, info := range usual.SupportedMediaTypes() {
		if info.MediaType == runtime.ContentTypeJSON {
			info.Serializer = objects(info.Serializer)
			info.StreamSerializer = &runtime.StreamSerializerInfo{
				EncodesAsText: true, Serializer: events{info.StreamSerializer.Serializer}, Framer: info.StreamSerializer.Framer,
			}
		}
		c.media = append(c.media, info)
	}
	return c
}

// Codec returns a codec of the types of a scheme.
func Codec(scheme *runtime.Scheme) runtime.NegotiatedSerializer {
	return newCodec(serializer.NewCodecFactory(scheme).WithoutConversion(), func(runtime.Serializer) runtime.Serializer {
		return serializerjson.NewSerializerWithOptions(leading{}, scheme, scheme, serializerjson.SerializerOptions{})
	})
}

// newDynamic returns a client of objects of any kind.
func newDynamic(cfg *rest.Config) (dynamic.Interface, error) {
	cfg = dynamic.ConfigFor(cfg)
	cfg.NegotiatedSerializer = newCodec(cfg.NegotiatedSerializer, func(usual runtime.Serializer) runtime.Serializer { return objects{usual} })
	cfg.GroupVersion, cfg.APIPath = nil, "/"
	client, err := rest.UnversionedRESTClientFor(cfg)
	if err != nil {
		return nil, err
	}
	return dynamic.New(client), nil
}

// objects reads objects of any kind.
type objects struct{ runtime.Serializer }

// Decode is part of a runtime.Serializer.
func (s objects) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	target, plain := into.(*unstructured.Unstructured)
	gvk, ok := lead(data)
	if !ok || into != nil && !plain || gvk.Kind == "Status" {
		return s.Serializer.Decode(data, defaults, into)
	}
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(data, &u.Object); err != nil {
		return nil, &gvk, err
	}
	if u.GroupVersionKind() != gvk { // it says so twice
		return s.Serializer.Decode(data, defaults, into)
	}
	if plain {
		target.Object, u = u.Object, target
	}
	return u, &gvk, nil
}

// leading is what kind and apiVersion say where they lead an object; where they do
// not, all of it is read.
type leading struct{}

// Interpret makes it a json.MetaFactory.
func (leading) Interpret(data []byte) (*schema.GroupVersionKind, error) {
	if gvk, ok := lead(data); ok {
		return &gvk, nil
	}
	return serializerjson.DefaultMetaFactory.Interpret(data)
}

// lead reads kind and apiVersion, if an object begins with them.
func lead(object []byte) (gvk schema.GroupVersionKind, ok bool) {
	version, kind, ok := between(object, `{"apiVersion":"`, `","kind":"`)
	if !ok {
		kind, version, ok = between(object, `{"kind":"`, `","apiVersion":"`)
	}
	gv, err := schema.ParseGroupVersion(version)
	return gv.WithKind(kind), ok && err == nil
}

// between reads the two texts that stand before, and behind, what is between.
func between(object []byte, before, between string) (first, second string, ok bool) {
	text, starts := bytes.CutPrefix(object[:min(len(object), 512)], []byte(before))
	one, text, goesOn := bytes.Cut(text, []byte(between))
	two, _, ends := bytes.Cut(text, []byte(`"`))
	plain := len(one) > 0 && len(two) > 0 && !bytes.ContainsAny(one, `"\`) && !bytes.ContainsAny(two, `\`)
	return string(one), string(two), starts && goesOn && ends && plain
}

// events reads the events of a watch, of which the framer has made sure that they
// are JSON.
type events struct{ runtime.Serializer }

// Decode is part of a runtime.Serializer.
func (s events) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	event, ok := into.(*metav1.WatchEvent)
	if !ok {
		return s.Serializer.Decode(data, defaults, into)
	}
	word, object, ok := cutEvent(data)
	if !ok {
		return s.Serializer.Decode(data, defaults, into)
	}
	event.Type, event.Object.Raw = word, bytes.Clone(object) // data is a buffer that is used again
	gvk := metav1.SchemeGroupVersion.WithKind("WatchEvent")
	return event, &gvk, nil
}

// cutEvent takes {"type":"WORD","object":{...}} apart.
func cutEvent(event []byte) (word string, object []byte, ok bool) {
	rest, starts := bytes.CutPrefix(event, []byte(`{"type":"`))
	kind, rest, goesOn := bytes.Cut(rest, []byte(`","object":{`))
	rest, ends := bytes.CutSuffix(bytes.TrimRight(rest, "\r\n "), []byte(`}}`))
	if !starts || !goesOn || !ends || bytes.ContainsAny(kind, `"\`) {
		return "", nil, false
	}
	object = event[len(`{"type":"`)+len(kind)+len(`","object":`):]
	return string(kind), object[:len(rest)+2], true
}

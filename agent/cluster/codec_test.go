package cluster

import (
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// usual is the JSON part of the codec that the lean one stands in for.
func usual() runtime.SerializerInfo {
	info, _ := runtime.SerializerInfoForMediaType(dynamic.ConfigFor(&rest.Config{}).NegotiatedSerializer.SupportedMediaTypes(), runtime.ContentTypeJSON)
	return info
}

var objectTexts = []string{
	`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"n":"1"},"n":[1,2.5,null,true,9007199254740993]}`,
	`{"kind":"Deployment","apiVersion":"apps/v1","spec":{"replicas":3}}`,
	`{"apiVersion":"v1","kind":"ConfigMapList","metadata":{},"items":[{"apiVersion":"v1","kind":"ConfigMap"}]}`,
	`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}`,
	`{"kind":"Status","apiVersion":"example.com/v1","status":"of another kind"}`,
	`{ "apiVersion": "v1", "kind": "Pod" }`,
	`{"metadata":{},"kind":"Pod","apiVersion":"v1"}`,
	`{"apiVersion":"v1","kind":"ConfigMap","kind":"Status"}`,
	`{"apiVersion":"a/b/c","kind":"A"}`,
	`{"apiVersion":"v1","kind":""}`,
	`{"apiVersion":"v1"}`,
	`{"kind":"A\u0041","apiVersion":"v1"}`,
	`{"kind":"A","apiVersion":"v1"} x`,
	`{"kind":"A","apiVersion":"v1"`,
	`[]`, `null`, ``, `{}`,
}

// The lean codec reads an object as the usual one does, or fails as well.
func FuzzObjects(f *testing.F) {
	for _, text := range objectTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		codec := usual().Serializer
		for name, into := range map[string]func() runtime.Object{
			"nothing":   func() runtime.Object { return nil },
			"an object": func() runtime.Object { return &unstructured.Unstructured{} },
			"a list":    func() runtime.Object { return &unstructured.UnstructuredList{} },
		} {
			want, _, wantErr := codec.Decode([]byte(text), nil, into())
			got, _, err := objects{codec}.Decode([]byte(text), nil, into())
			if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%q into %s: got %#v, %v; want %#v, %v", text, name, got, err, want, wantErr)
			}
		}
	})
}

// The lean codec reads an event as the usual one does. What it takes apart wrongly,
// since there is more in it than servers write, cannot be read as an object then.
func FuzzEvents(f *testing.F) {
	for _, text := range objectTexts {
		f.Add(`{"type":"ADDED","object":` + text + "}\n")
	}
	f.Add(`{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7"}}}`)
	f.Add(`{"object":{"kind":"Pod","apiVersion":"v1"},"type":"ADDED"}`)
	f.Add(`{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1"},"more":{}}`)
	f.Add(`{"type":"AD\u0044ED","object":{"kind":"Pod","apiVersion":"v1"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		info := usual()
		var want, got metav1.WatchEvent
		if _, _, err := info.StreamSerializer.Decode([]byte(text), nil, &want); err != nil {
			return // which the framer has not let through
		}
		if _, _, err := (events{info.StreamSerializer.Serializer}).Decode([]byte(text), nil, &got); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		object, _, err := objects{info.Serializer}.Decode(got.Object.Raw, nil, nil)
		if err != nil {
			return
		}
		if usually, _, err := info.Serializer.Decode(want.Object.Raw, nil, nil); err != nil || got.Type != want.Type || !reflect.DeepEqual(object, usually) {
			t.Errorf("%q: got %s %#v, want %s %#v, %v", text, got.Type, object, want.Type, usually, err)
		}
	})
}

// What a server writes is read in the lean way, and the buffer may be used again.
func TestEventsAreLean(t *testing.T) {
	buffer := []byte(`{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1"}}` + "\n")
	var event metav1.WatchEvent
	if _, _, err := (events{}).Decode(buffer, nil, &event); err != nil {
		t.Fatal(err)
	}
	clear(buffer)
	u, gvk, err := objects{}.Decode(event.Object.Raw, nil, nil)
	if err != nil || event.Type != "MODIFIED" || gvk.Kind != "Pod" || u.(*unstructured.Unstructured).GetAPIVersion() != "v1" {
		t.Errorf("got %s %v, %v", event.Type, u, err)
	}
}

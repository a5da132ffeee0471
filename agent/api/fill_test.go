package api

import (
	"reflect"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// samples are the values of the types that cannot be filled field by field.
var samples = map[reflect.Type]any{
	reflect.TypeFor[metav1.ObjectMeta]():    metav1.ObjectMeta{Name: "name"},
	reflect.TypeFor[metav1.TypeMeta]():      metav1.TypeMeta{},
	reflect.TypeFor[metav1.Time]():          metav1.NewTime(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).Local()),
	reflect.TypeFor[intstr.IntOrString]():   intstr.FromString("25%"),
	reflect.TypeFor[runtime.RawExtension](): runtime.RawExtension{Raw: []byte(`{"a":{"b":[1,"c",null]}}`)},
	reflect.TypeFor[AnyJSON]():              AnyJSON{Raw: []byte(`[1,{"a":null}]`)},
	reflect.TypeFor[HydratePhase]():         HydratePhaseHydrated,
	reflect.TypeFor[ApplicationsSync]():     ApplicationsSyncAll,
}

// fill sets every field below v, lists and maps to one entry.
func fill(v reflect.Value) {
	if sample, ok := samples[v.Type()]; ok {
		v.Set(reflect.ValueOf(sample))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(3)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic("no sample of " + v.Type().String())
	}
}

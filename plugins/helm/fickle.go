package helm

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	gotemplate "text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// fickle are the functions that give something else each time. Whether what they
// give reaches a manifest, is found out by a second run: most charts have it as
// a default only.
var fickle = []string{
	"ago", "bcrypt", "encryptAES", "genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert",
	"genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey", "htpasswd", "now", "randAlpha",
	"randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric", "shuffle", "uuidv4",
}

// dated are the functions that take the present for a date that is none.
var dated = []string{"date", "dateInZone", "date_in_zone", "htmlDate", "htmlDateInZone"}

// later is how much later the second run takes it to be: every part of a time
// differs.
const later = (400*24+1)*time.Hour + time.Minute + time.Second

// record notes the calls of fickle functions in the first run, and what they
// gave, so that the second run gives something else.
type record struct {
	called map[string]bool
	gave   map[string][]any
	second bool
}

func (r *record) note(name string) {
	if r.called == nil {
		r.called = map[string]bool{}
	}
	r.called[name] = true
}

// maxTries is how often the second run draws again what the first one drew.
const maxTries = 100

// distinct calls a function, in the second run until it gives something else.
func (r *record) distinct(name string, call func() []reflect.Value) []reflect.Value {
	r.note(name)
	out := call()
	if !r.second {
		if r.gave == nil {
			r.gave = map[string][]any{}
		}
		r.gave[name] = append(r.gave[name], out[0].Interface())
		return out
	}
	if len(r.gave[name]) == 0 {
		return out
	}
	before := r.gave[name][0]
	r.gave[name] = r.gave[name][1:]
	for try := 0; try < maxTries && reflect.DeepEqual(out[0].Interface(), before); try++ {
		out = call()
	}
	return out
}

// functions returns the fickle ones, each wrapped.
func (r *record) functions() gotemplate.FuncMap {
	generic := sprig.GenericFuncMap()
	funcs := gotemplate.FuncMap{}
	for _, name := range fickle {
		funcs[name] = r.wrap(name, reflect.ValueOf(generic[name]))
	}
	for _, name := range dated {
		funcs[name] = r.wrapDated(name, reflect.ValueOf(generic[name]))
	}
	funcs["now"] = r.now
	funcs["ago"] = func(date any) string {
		r.note("ago")
		if t, ok := date.(time.Time); ok && r.second {
			date = t.Add(-later)
		}
		return generic["ago"].(func(any) string)(date)
	}
	if r.second {
		maps.Copy(funcs, cheapKeys(generic))
	}
	return funcs
}

func (r *record) wrap(name string, function reflect.Value) any {
	return reflect.MakeFunc(function.Type(), func(args []reflect.Value) []reflect.Value {
		return r.distinct(name, func() []reflect.Value { return function.Call(args) })
	}).Interface()
}

// wrapDated replaces what is no date by the present, as the function does. The
// date is the last argument but for a zone.
func (r *record) wrapDated(name string, function reflect.Value) any {
	return reflect.MakeFunc(function.Type(), func(args []reflect.Value) []reflect.Value {
		for i, arg := range args {
			if arg.Kind() != reflect.Interface {
				continue
			}
			switch arg.Interface().(type) {
			case time.Time, *time.Time, int, int32, int64:
			default:
				args[i] = reflect.ValueOf(r.now())
				r.note(name)
			}
		}
		return function.Call(args)
	}).Interface()
}

func (r *record) now() time.Time {
	r.note("now")
	if r.second {
		return time.Now().Add(later)
	}
	return time.Now()
}

// cheapKeys are the functions that make keys, with such as cost little: an RSA
// key takes longer than all of a render.
func cheapKeys(generic map[string]any) gotemplate.FuncMap {
	key := func() reflect.Value {
		return reflect.ValueOf(generic["genPrivateKey"]).Call([]reflect.Value{reflect.ValueOf("ecdsa")})[0]
	}
	funcs := gotemplate.FuncMap{"genPrivateKey": func(string) string { return key().String() }}
	for _, name := range []string{"genCA", "genSelfSignedCert", "genSignedCert"} {
		withKey := reflect.ValueOf(generic[name+"WithKey"])
		funcs[name] = reflect.MakeFunc(reflect.TypeOf(generic[name]), func(args []reflect.Value) []reflect.Value {
			return withKey.Call(append(slices.Clone(args), key()))
		}).Interface()
	}
	return funcs
}

// compare runs the templates once more, and warns of what differs then.
func (r *rendering) compare(c *chart.Chart, top common.Values, f *functions, first []sdk.Document) {
	f.record.second = true
	second, err := r.once(c, top, f)
	by := slices.Sorted(maps.Keys(f.record.called))
	if err != nil || len(second) != len(first) {
		r.warn("%s: which objects there are is not the same at each render, because of %s", f.where(by...), strings.Join(by, ", "))
		return
	}
	var warnings []string
	for i := range first {
		if string(first[i].Data) != string(second[i].Data) {
			warnings = append(warnings, differing(first[i], second[i]))
		}
	}
	const most = 5
	for _, text := range warnings[:min(most, len(warnings))] {
		r.warn("%s is not the same at each render (%s at %s), so that it does not stay in sync; set it by a value, or keep what is there by lookup", text, strings.Join(by, ", "), f.where(by...))
	}
	if n := len(warnings) - most; n > 0 {
		r.warn("%d more objects are not the same at each render", n)
	}
}

// differing names an object, and the first field that differs. It says nothing
// of what the fields hold.
func differing(a, b sdk.Document) string {
	var first, second map[string]any
	if yaml.Unmarshal(a.Data, &first) != nil || yaml.Unmarshal(b.Data, &second) != nil {
		return fmt.Sprintf("%s:%d: what it renders", a.File, a.Line)
	}
	meta, _ := first["metadata"].(map[string]any)
	return fmt.Sprintf("%s:%d: %v %v: %s", a.File, a.Line, first["kind"], meta["name"], strings.TrimPrefix(difference(first, second, ""), "."))
}

// difference is the path to the first field that differs.
func difference(a, b any, at string) string {
	switch x := a.(type) {
	case map[string]any:
		y, _ := b.(map[string]any)
		for _, key := range sortedKeys(x) {
			if !reflect.DeepEqual(x[key], y[key]) {
				return difference(x[key], y[key], at+"."+key)
			}
		}
	case []any:
		y, _ := b.([]any)
		for i := range x {
			if i < len(y) && !reflect.DeepEqual(x[i], y[i]) {
				return difference(x[i], y[i], fmt.Sprintf("%s[%d]", at, i))
			}
		}
	}
	return at
}

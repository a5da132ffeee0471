package appset

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// hidden are the functions that tell about the machine (SEMANTICS.md 1.9).
var hidden = []string{"env", "expandenv", "getHostByName"}

// fickle are the functions that give something else each time.
var fickle = []string{
	"bcrypt", "encryptAES", "genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
	"genSignedCert", "genSignedCertWithKey", "htpasswd", "randAlpha", "randAlphaNum", "randAscii", "randBytes",
	"randInt", "randNumeric", "shuffle", "uuidv4",
}

// dated are the functions that take the present for a date that is none.
var dated = []string{"date", "dateInZone", "date_in_zone", "htmlDate", "htmlDateInZone"}

// functions are sprig's and Argo CD's, and those of text/template that write much, all
// of them guarded.
func functions(b *budget, now time.Time) template.FuncMap {
	all := sprig.GenericFuncMap()
	for _, name := range hidden {
		delete(all, name)
	}
	own := map[string]any{
		"normalize": normalize, "slugify": slugify, "toYaml": toYAML, "fromYaml": fromYAML, "fromYamlArray": fromYAMLArray,
		"print": fmt.Sprint, "printf": fmt.Sprintf, "println": fmt.Sprintln,
		"html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
		"keys": sortedKeys, "values": sortedValues,
		"now":           func() time.Time { return now },
		"ago":           func(date any) string { return now.Sub(timeOf(date, now)).Round(time.Second).String() },
		"durationRound": func(d any) string { return rounded(all["durationRound"], d, now) },
	}
	funcs := template.FuncMap{"_round": b.round, "_enter": b.enter}
	for _, name := range dated {
		own[name] = atPresent(reflect.ValueOf(all[name]), now)
	}
	for name, f := range own {
		all[name] = f
	}
	for name, f := range all {
		funcs[name] = b.guard(name, f)
	}
	for _, name := range fickle {
		funcs[name] = func(...any) (string, error) {
			return "", fmt.Errorf("%s gives something else each time, and the Application would never be at rest", name)
		}
	}
	return funcs
}

// sortedKeys are the keys of maps, of each in order: sprig's come in any.
func sortedKeys(of ...map[string]any) []string {
	var all []string
	for _, m := range of {
		all = append(all, slices.Sorted(maps.Keys(m))...)
	}
	return all
}

// sortedValues are the values of a map, in the order of its keys.
func sortedValues(m map[string]any) []any {
	all := make([]any, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[key])
	}
	return all
}

// timeOf is a date as sprig reads it; what is none is the present.
func timeOf(date any, now time.Time) time.Time {
	switch d := date.(type) {
	case time.Time:
		return d
	case *time.Time:
		return *d
	case int64:
		return time.Unix(d, 0)
	case int:
		return time.Unix(int64(d), 0)
	case int32:
		return time.Unix(int64(d), 0)
	}
	return now
}

// rounded is durationRound, for which a time is how long ago it is.
func rounded(function, d any, now time.Time) string {
	if t, ok := d.(time.Time); ok {
		d = now.Sub(t).String()
	}
	round, ok := function.(func(any) string)
	if !ok {
		return ""
	}
	return round(d)
}

// atPresent replaces what is no date by the present that is handed in.
func atPresent(function reflect.Value, now time.Time) any {
	return reflect.MakeFunc(function.Type(), func(args []reflect.Value) []reflect.Value {
		for i, arg := range args {
			if arg.Kind() == reflect.Interface {
				date := arg.Interface()
				args[i] = reflect.ValueOf(timeOf(date, now))
			}
		}
		return function.Call(args)
	}).Interface()
}

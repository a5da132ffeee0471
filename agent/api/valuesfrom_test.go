package api

import (
	"reflect"
	"strings"
	"testing"
)

func valuesAnnotation(text string) map[string]string {
	return map[string]string{AnnotationValuesFrom: text}
}

func TestValuesFrom(t *testing.T) {
	list, err := ValuesFrom(valuesAnnotation(`
- {kind: Secret, name: api}
- {kind: ConfigMap, name: shared.yaml, key: prod.yaml, optional: true, source: chart}
- kind: Secret
  name: db
  key: password
  targetPath: database.users[0].password
- {kind: Secret, name: db, key: tls.crt, file: ../base/tls.crt, source: "2"}
`))
	want := []ValueFrom{
		{Kind: "Secret", Name: "api", Key: "values.yaml"},
		{Kind: "ConfigMap", Name: "shared.yaml", Key: "prod.yaml", Optional: true, Source: "chart"},
		{Kind: "Secret", Name: "db", Key: "password", TargetPath: "database.users[0].password"},
		{Kind: "Secret", Name: "db", Key: "tls.crt", File: "../base/tls.crt", Source: "2"},
	}
	if err != nil || !reflect.DeepEqual(list, want) {
		t.Errorf("got %+v, %v", list, err)
	}
	for _, empty := range []map[string]string{nil, {}, valuesAnnotation(" \n"), valuesAnnotation("[]")} {
		if list, err := ValuesFrom(empty); len(list) > 0 || err != nil {
			t.Errorf("%v: %v, %v", empty, list, err)
		}
	}
}

func TestValuesFromMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"a: b": "it must be a list of {kind, name, key, targetPath or file, optional, source}",
		"- {kind: Secret, name: a, namespace: other}":  `unknown field "namespace"`,
		"- {kind: Secret, name: a, optional: perhaps}": "it must be a list",
		"- {name: a}": `entry 1: kind: "" is neither Secret nor ConfigMap`,
		"- {kind: Secret, name: a}\n- {kind: Deployment, name: a}": `entry 2: kind: "Deployment" is neither Secret nor ConfigMap`,
		"- {kind: Secret}":                                         `entry 1: name: "" is no name of a Secret`,
		"- {kind: Secret, name: ../other/a}":                       `name: "../other/a" is no name`,
		"- {kind: Secret, name: other/a}":                          `name: "other/a" is no name`,
		"- {kind: Secret, name: a, key: ../a}":                     `key: "../a" is no key`,
		"- {kind: Secret, name: a, key: a/b}":                      `key: "a/b" is no key`,
		"- {kind: Secret, name: a, targetPath: a, file: b}":        "targetPath and file: give one of them",
		"- {kind: Secret, name: a, targetPath: 'a=b,c'}":           `targetPath: "a=b,c" is no path`,
		"- {kind: Secret, name: a, file: /etc/passwd}":             `file: "/etc/passwd" is no file below`,
		"- {kind: Secret, name: a, file: .}":                       `file: "." is no file below`,
		"- {kind: Secret, name: a, file: dir/}":                    `file: "dir/" is no file below`,
		"[" + strings.Repeat("{kind: Secret, name: a},", 65) + "]": "it has 65 entries, 64 are allowed",
		"&a [*a]": "it must be a list",
	} {
		list, err := ValuesFrom(valuesAnnotation(text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), AnnotationValuesFrom) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if list != nil {
			t.Errorf("%q: both a list and an error", text)
		}
	}
}

func TestValueFromFor(t *testing.T) {
	sources := []Source{{Name: "chart"}, {}, {Name: "1"}}
	for of, want := range map[string]string{"": "yyy", "chart": "ynn", "2": "nyn", "1": "yny", "other": "nnn"} {
		got := ""
		for i := range sources {
			got += map[bool]string{true: "y", false: "n"}[ValueFrom{Source: of}.For(i, &sources[i])]
		}
		if got != want {
			t.Errorf("source %q: %s, want %s", of, got, want)
		}
	}
}

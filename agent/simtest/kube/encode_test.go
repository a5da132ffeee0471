package kube

import (
	"testing"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// What is encoded is, byte for byte, what the usual way makes of it.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{
		`null`, `true`, `1`, `-9223372036854775808`, `1.5`, `1e300`, `""`, `"a<b>&c\"\\\u0001\u2028é"`, `[]`, `{}`, `[null,[],{}]`,
		`{"b":1,"a":{"c":[1,2.5,"x",false]},"é":null,"\n":""}`,
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1,"r":1}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var value any
		if utiljson.Unmarshal([]byte(text), &value) != nil {
			return
		}
		want, err := utiljson.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if got := encode(nil, value); string(got) != string(want) {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	})
}

package apply

import (
	"testing"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

func TestKept(t *testing.T) {
	for _, tt := range []struct{ name, value, answer, want string }{
		{"what the server knows", `{"a":1,"b":{"c":"x"}}`, `{"a":1,"b":{"c":"x","default":true}}`, `{"a":1,"b":{"c":"x"}}`},
		{"what it does not know", `{"a":1,"x":{"y":2},"b":{"x":[1]}}`, `{"a":1,"b":{"c":"default"}}`, `{"a":1,"b":{}}`},
		{"as it was, though the server writes it otherwise", `{"cpu":"1000m"}`, `{"cpu":"1"}`, `{"cpu":"1000m"}`},
		{"within lists", `{"l":[{"a":1,"x":1},{"a":2}]}`, `{"l":[{"a":1},{"a":2}]}`, `{"l":[{"a":1},{"a":2}]}`},
		{"a list that was made longer is as it was", `{"l":[{"a":1,"x":1}]}`, `{"l":[{"a":1},{"a":2}]}`, `{"l":[{"a":1,"x":1}]}`},
		{"empty fields, which the server leaves out", `{"a":"","b":false,"c":{},"d":0,"e":[]}`, `{}`, `{"a":"","b":false,"c":{},"d":0,"e":[]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var value, answer any
			for text, into := range map[string]*any{tt.value: &value, tt.answer: &answer} {
				if err := utiljson.Unmarshal([]byte(text), into); err != nil {
					t.Fatal(err)
				}
			}
			got, err := utiljson.Marshal(kept(value, answer))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

package git

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/secrets"
)

// eachField calls visit with the path of every field of credentials, and a copy
// in which only that field is set.
func eachField(t *testing.T, visit func(path string, c Credentials, secret bool)) {
	t.Helper()
	var walk func(at []int, kind reflect.Type, path string)
	walk = func(at []int, kind reflect.Type, path string) {
		for i := range kind.NumField() {
			f := kind.Field(i)
			index := append(append([]int{}, at...), i)
			name := strings.TrimPrefix(path+"."+f.Name, ".")
			var c Credentials
			v := reflect.ValueOf(&c).Elem().FieldByIndex(index)
			switch {
			case f.Type == reflect.TypeFor[secrets.Value]():
				v.Set(reflect.ValueOf(secrets.New([]byte("hunter22"))))
				visit(name, c, true)
				continue
			case f.Type.Kind() == reflect.Struct:
				walk(index, f.Type, name)
				continue
			case f.Type.Kind() == reflect.String:
				v.SetString("x")
			case f.Type.Kind() == reflect.Bool:
				v.SetBool(true)
			case f.Type.Kind() == reflect.Int64:
				v.SetInt(7)
			case f.Type.Kind() == reflect.Slice:
				v.SetBytes([]byte("x"))
			case f.Type.Kind() == reflect.Pointer:
				v.Set(reflect.New(f.Type.Elem()))
			default:
				t.Fatalf("%s is of a kind that this test does not know", name)
			}
			visit(name, c, false)
		}
	}
	walk(nil, reflect.TypeFor[Credentials](), "")
}

// Whatever secret field is added to Credentials must not print, must be taken out
// of what servers say, and must tell one remote from another.
func TestEveryFieldCounts(t *testing.T) {
	key := []byte("key")
	seen := map[string]string{Credentials{}.fingerprint(key): "nothing"}
	eachField(t, func(path string, c Credentials, secret bool) {
		mark := c.fingerprint(key)
		if other := seen[mark]; other != "" {
			t.Errorf("%s makes no difference to %s", path, other)
		}
		seen[mark] = path
		if !secret {
			return
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if text := fmt.Sprintf(verb, c); strings.Contains(text, "hunter") || strings.Contains(text, "68756e746572") {
				t.Errorf("%s prints with %s: %s", path, verb, text)
			}
		}
		if c.String() == (Credentials{}).String() {
			t.Errorf("%s: the credentials print as if there were none", path)
		}
		if text := c.scrub("the server says hunter22"); strings.Contains(text, "hunter") {
			t.Errorf("%s is not scrubbed: %s", path, text)
		}
	})
}

// 2.8 bearerToken, forceHttpBasicAuth: which credentials are shown to a server.
func TestWhatIsShown(t *testing.T) {
	password, bearer := secrets.New([]byte("p")), secrets.New([]byte("b"))
	for _, tt := range []struct {
		credentials Credentials
		want        string
	}{
		{Credentials{}, ""},
		{Credentials{Username: "u", Password: password}, "Basic u:p"},
		{Credentials{Password: password}, "Basic x-access-token:p"},
		{Credentials{Username: "token"}, "Basic token:"},
		{Credentials{BearerToken: bearer}, "Bearer b"},
		{Credentials{Username: "u", Password: password, BearerToken: bearer}, "Bearer b"},
		{Credentials{Username: "u", Password: password, BearerToken: bearer, ForceBasic: true}, "Basic u:p"},
		{Credentials{BearerToken: bearer, ForceBasic: true}, "Bearer b"},
	} {
		l, err := newLogin(Repo{URL: "https://git.example.com", Credentials: tt.credentials})
		must(t, err)
		method, err := l.show(t.Context())
		must(t, err)
		req, err := http.NewRequest(http.MethodGet, "https://git.example.com", nil)
		must(t, err)
		if method != nil {
			method.SetAuth(req)
		}
		got := req.Header.Get("Authorization")
		if user, pass, ok := req.BasicAuth(); ok {
			got = "Basic " + user + ":" + pass
		}
		if got != tt.want {
			t.Errorf("%s: shown %q, want %q", tt.credentials, got, tt.want)
		}
	}
}

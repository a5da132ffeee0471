package render

import "testing"

func TestRedactor(t *testing.T) {
	var r redactor
	r.add(
		[]byte("kind: Secret\nname: public\nstringData:\n  password: ENC[AES256_GCM,data:abc]\n"),
		[]byte("kind: Secret\nname: public\nstringData:\n  password: correct horse p@ss/word! 42424242\n"),
	)
	for _, tt := range []struct{ in, want string }{
		{"a/b.yaml:3: kind Secret public: no", "a/b.yaml:3: kind Secret public: no"},
		{"cannot unmarshal !!str `correct horse...` into map", "cannot unmarshal !!str `(hidden) (hidden)` into map"},
		{"cannot unmarshal !!str `corr...`", "cannot unmarshal !!str `(hidden)`"},
		{`value "p@ss/word!" is bad`, `value "(hidden)" is bad`},
		{"password=42424242", "password=(hidden)"},
		{`{"password":"42424242"}`, `{"password":"(hidden)"}`},
	} {
		if got := r.clean(tt.in); got != tt.want {
			t.Errorf("clean(%q)\n got %q\nwant %q", tt.in, got, tt.want)
		}
	}
	if got := (redactor{}).clean("correct horse"); got != "correct horse" {
		t.Errorf("nothing was decrypted, and it hides: %q", got)
	}
}

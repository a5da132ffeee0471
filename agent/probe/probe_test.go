package probe

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHandler(t *testing.T) {
	wrong := ""
	h := Handler(Check{"cluster", func() string { return "" }}, Check{"keys", func() string { return wrong }})
	for _, tt := range []struct {
		wrong string
		code  int
		text  string
	}{
		{"", 200, "[+] cluster\n[+] keys\nok\n"},
		{"they are not listed yet", 503, "[+] cluster\n[-] keys: they are not listed yet\n"},
	} {
		wrong = tt.wrong
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if w.Code != tt.code || w.Body.String() != tt.text {
			t.Errorf("got %d and %q, want %d and %q", w.Code, w.Body, tt.code, tt.text)
		}
	}
}

// Package probe answers whether the agent lives and whether it is ready, part by part
// and with the reason.
//
// Start with [Handler].
package probe

import (
	"fmt"
	"net/http"
	"strings"
)

// A Check is of one part.
type Check struct {
	// Part is a word for it. It may be shown to anybody.
	Part string
	// Wrong says what is wrong and what to do, without names of objects; "" if nothing.
	Wrong func() string
}

// Handler answers 200 if nothing is wrong, and 503 otherwise, with a line for each
// part either way.
func Handler(checks ...Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text, fine := Run(checks...)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if !fine {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, text)
	})
}

// Run makes the checks. The text is like that of Kubernetes' own programs.
func Run(checks ...Check) (text string, fine bool) {
	var lines strings.Builder
	fine = true
	for _, c := range checks {
		if wrong := c.Wrong(); wrong != "" {
			fine = false
			fmt.Fprintf(&lines, "[-] %s: %s\n", c.Part, wrong)
			continue
		}
		fmt.Fprintf(&lines, "[+] %s\n", c.Part)
	}
	if fine {
		lines.WriteString("ok\n")
	}
	return lines.String(), fine
}

package bundle

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// hidden stands for what was left out.
const hidden = "(hidden)"

// leastSecret is how long a value must be to be looked for: shorter ones, such as
// "true" and "admin", stand everywhere.
const leastSecret = 6

// Cleaner takes values out of texts, as they are and in base64, and the passwords of
// addresses.
func Cleaner(values ...[]byte) func(string) string {
	var replace []string
	seen := map[string]bool{}
	add := func(text string) {
		if len(text) >= leastSecret && !seen[text] {
			seen[text] = true
			replace = append(replace, text)
		}
	}
	for _, v := range values {
		text := strings.TrimSpace(string(v))
		add(text)
		add(base64.StdEncoding.EncodeToString(v))
		for line := range strings.Lines(text) { // a key may be told by a line of it
			if line = strings.TrimSpace(line); len(line) >= 3*leastSecret && !strings.HasPrefix(line, "-----") {
				add(line)
			}
		}
	}
	slices.SortFunc(replace, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	pairs := make([]string, 0, 2*len(replace))
	for _, text := range replace {
		pairs = append(pairs, text, hidden)
	}
	replacer := strings.NewReplacer(pairs...)
	return func(text string) string {
		return login.ReplaceAllString(replacer.Replace(text), "$1"+hidden+"@")
	}
}

// login is user and password of an address.
var login = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s"'@]+@`)

// values are fields into which people write what may be secret, wherever they are in an
// Application, an ApplicationSet or an AppProject; of lists, of each item.
var values = map[string]bool{
	"values": true, "valuesObject": true, "value": true, "patch": true, "patches": true, "extVars": true, "tlas": true,
	"string": true, "map": true, "array": true, "info": true, "templatePatch": true, "elementsYaml": true, "elements": true, "input": true,
	"commonAnnotations": true, "fileParameters": true, "jwtTokens": true, "jwtTokensByRole": true, "roles": true, "signatureKeys": true,
}

// kept are annotations whose values say what an agent does.
var kept = regexp.MustCompile(`^(tidelock\.io|argocd\.argoproj\.io|notifications\.argoproj\.io)/`)

// Object leaves out of an object's body what may be secret. The body is changed.
func Object(body map[string]any) map[string]any {
	if meta, ok := body["metadata"].(map[string]any); ok {
		delete(meta, "managedFields")
		if annotations, ok := meta["annotations"].(map[string]any); ok {
			for key := range annotations {
				if !kept.MatchString(key) {
					annotations[key] = hidden
				}
			}
		}
	}
	for _, part := range []string{"spec", "operation", "status"} {
		body[part] = hide(body[part])
		if body[part] == nil {
			delete(body, part)
		}
	}
	return body
}

func hide(node any) any {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if values[key] && value != nil {
				node[key] = hidden
				continue
			}
			node[key] = hide(value)
		}
		return node
	case []any:
		for i, item := range node {
			node[i] = hide(item)
		}
	}
	return node
}

// Settings keeps the entries of a ConfigMap whose keys match, and the names of all
// others.
func Settings(data map[string]string, keep *regexp.Regexp) map[string]string {
	shown := make(map[string]string, len(data))
	for key, text := range data {
		shown[key] = fmt.Sprintf("(%d bytes)", len(text))
		if keep.MatchString(key) {
			shown[key] = text
		}
	}
	return shown
}

package kustomize

import (
	"bytes"
	"cmp"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxError is how long an error may be.
const maxError = 2 << 10

var (
	// printed is where kustomize prints a node, to the end.
	printed = regexp.MustCompile(`(?s)(value: ?\{|node contents:|invalid literal source ).*`)
	// config is where it prints a transformer's configuration, and resources.
	config = regexp.MustCompile("(?s)`[^`]*\n[^`]*`|\\{\"[^\n]*\\}")
	// quotedYAML is what a YAML parser quotes of its input.
	quotedYAML = regexp.MustCompile("cannot unmarshal (!!\\w+) `[^`]*`")
	// anchor is what it takes for a reference: a value that begins with a star.
	anchor = regexp.MustCompile("unknown anchor '[^']*'")
	// bytesOf is text as a list of its bytes.
	bytesOf = regexp.MustCompile(`\[\d+( \d+)+\]`)
	// login is the user and the password in an address.
	login = regexp.MustCompile(`(\w+://)[^/@\s"'():]*:[^/\s"']*@`)
	// rootedPath is one of our paths as kustomize sees it.
	rootedPath = regexp.MustCompile(`(['"(]|under: )/([\w.])`)
)

// redact takes from an error of kustomize what it prints of files, for a file
// may be a decrypted secret, and makes it one paragraph. What is known to be
// secret goes wherever it stands.
func redact(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "…")
	}
	text = printed.ReplaceAllString(text, "$1…")
	text = config.ReplaceAllString(text, "…")
	text = quotedYAML.ReplaceAllString(text, "cannot unmarshal $1 …")
	text = anchor.ReplaceAllString(text, "unknown anchor …")
	text = login.ReplaceAllString(text, "$1")
	text = bytesOf.ReplaceAllString(text, "[…]")
	text = rootedPath.ReplaceAllString(text, "$1$2")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxError {
		text = text[:maxError] + " …"
	}
	return errors.New(text)
}

// minSecret is the length from which on a value is looked for in errors: a
// shorter one is in every word.
const minSecret = 3

// secretsOf returns the values in a file that may be secret: those of Secrets,
// and everything in a file that is neither YAML nor JSON, such as an .env. It
// reads by line, and rather takes too much. The longest come first, so that
// none hides behind its own part.
func secretsOf(file string, text []byte) []string {
	var values []string
	switch path.Ext(file) {
	case ".yaml", ".yml", ".json":
		for doc := range bytes.SplitSeq(text, []byte("\n---")) {
			if bytes.Contains(doc, []byte("Secret")) {
				values = append(values, secretLines(string(doc))...)
			}
		}
	default:
		values = pieces(string(text), "=:")
	}
	values = slices.DeleteFunc(values, func(v string) bool { return len(v) < minSecret })
	slices.SortFunc(values, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return slices.Compact(values)
}

var dataField = regexp.MustCompile(`^\s*["']?(data|stringData)["']?\s*:`)

// secretLines returns the values of the lines of data and stringData.
func secretLines(doc string) (values []string) {
	inside, depth := false, 0
	for line := range strings.Lines(doc) {
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		if strings.TrimSpace(line) == "" {
			continue
		}
		if inside && indent <= depth && line[indent] != '}' && line[indent] != ']' {
			inside = false
		}
		if loc := dataField.FindStringIndex(line); loc != nil && !inside {
			inside, depth = true, indent
			line = line[loc[1]:]
		}
		if inside {
			values = append(values, pieces(line, ":")...)
		}
	}
	return values
}

// pieces returns each line, and what follows a separator in each part of it.
func pieces(text, separators string) (values []string) {
	for line := range strings.Lines(text) {
		values = append(values, bare(line))
		for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune("{}[],", r) }) {
			if i := strings.IndexAny(part, separators); i >= 0 {
				values = append(values, bare(part[i+1:]))
			}
		}
	}
	return values
}

// bare drops space and quotes around a value.
func bare(s string) string { return strings.Trim(strings.TrimSpace(s), "\"'") }

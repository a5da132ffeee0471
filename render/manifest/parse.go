package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Limits on what one document may be. They bound what a hostile or broken
// renderer can cost.
const (
	maxDocument  = 8 << 20 // bytes
	maxDocuments = 20_000  // in one Parse
)

// ErrLimit is in every error about something too large.
var ErrLimit = errors.New("over the limit")

// Parse reads YAML or JSON: documents separated by "---" lines, List kinds
// expanded, empty documents skipped. Each object's origin gets the line where
// its document starts. YAML is read by Kubernetes' own rules (DRIFT.md trap 9).
func Parse(text []byte, origin Origin) (Set, error) {
	var set Set
	line := max(origin.Line, 1)
	for i, doc := range split(text) {
		at := Origin{File: origin.File, Line: line + doc.line}
		if i >= maxDocuments {
			return nil, fmt.Errorf("%s: %w: more than %d documents", at, ErrLimit, maxDocuments)
		}
		objects, err := parseDocument(doc.text, at)
		if err != nil {
			return nil, err
		}
		set = append(set, objects...)
	}
	return set, nil
}

func parseDocument(text []byte, at Origin) (Set, error) {
	if len(text) > maxDocument {
		return nil, fmt.Errorf("%s: %w: a document of %d bytes, %d are allowed", at, ErrLimit, len(text), maxDocument)
	}
	body, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", yamlLine(at, err), withoutText(err))
	}
	if len(body) == 0 {
		return nil, nil
	}
	return expand(body, at)
}

// decode reads one document with numbers as int64 or float64, as the API
// machinery has them.
func decode(text []byte) (map[string]any, error) {
	raw := text
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] != '{' {
		var err error
		if raw, err = yaml.YAMLToJSON(text); err != nil {
			return nil, err
		}
	}
	if trimmed := bytes.TrimSpace(raw); bytes.Equal(trimmed, []byte("null")) {
		return nil, nil
	}
	var body map[string]any
	err := utiljson.Unmarshal(raw, &body)
	return body, err
}

// expand turns a List into its items.
func expand(body map[string]any, at Origin) (Set, error) {
	kind, _ := body["kind"].(string)
	items, isList := body["items"].([]any)
	if !strings.HasSuffix(kind, "List") || !isList {
		o, err := New(body, at)
		if err != nil {
			return nil, err
		}
		return Set{o}, nil
	}
	var set Set
	for i, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: %s: items[%d]: %w", at, kind, i, ErrInvalid)
		}
		o, err := New(m, at)
		if err != nil {
			return nil, err
		}
		set = append(set, o)
	}
	return set, nil
}

type document struct {
	text []byte
	line int // lines before it
}

// split cuts text at its "---" lines.
func split(text []byte) []document {
	var docs []document
	current := document{}
	in := bufio.NewReader(bytes.NewReader(text))
	for n := 0; ; n++ {
		row, err := in.ReadBytes('\n')
		if isSeparator(row) {
			docs = append(docs, current)
			current = document{line: n + 1}
			row = nil
		}
		current.text = append(current.text, row...)
		if errors.Is(err, io.EOF) {
			return append(docs, current)
		}
	}
}

func isSeparator(row []byte) bool {
	row = bytes.TrimRight(row, " \t\r\n")
	return bytes.HasPrefix(row, []byte("---")) && (len(row) == 3 || row[3] == ' ' || row[3] == '\t') &&
		(len(row) == 3 || bytes.HasPrefix(bytes.TrimSpace(row[3:]), []byte("#")))
}

var lineNumber = regexp.MustCompile(`line (\d+)`)

// yamlLine moves at to the line that a YAML error names.
func yamlLine(at Origin, err error) Origin {
	if m := lineNumber.FindStringSubmatch(err.Error()); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil && n > 0 {
			at.Line += n - 1
		}
	}
	return at
}

// withoutText keeps the kind of a YAML error and drops what it quotes of the
// document, which may be a secret: "cannot unmarshal !!str `hunter2` into ...".
func withoutText(err error) error {
	text := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	text = quoted.ReplaceAllString(text, "…")
	return fmt.Errorf("%w: malformed YAML: %s", ErrInvalid, lineNumber.ReplaceAllString(text, "here"))
}

var quoted = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|'[^']*'")

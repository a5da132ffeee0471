package kustomize

import (
	"errors"
	"regexp"
	"strings"
)

// maxError is how long an error may be.
const maxError = 2 << 10

var (
	// value is where kustomize prints a node: "value: {...}" to the end.
	value = regexp.MustCompile(`(?s)value: ?\{.*`)
	// config is where it prints a transformer's configuration, and resources.
	config = regexp.MustCompile("(?s)`[^`]*\n[^`]*`|\\{\"[^\n]*\\}")
	// quotedYAML is what a YAML parser quotes of its input.
	quotedYAML = regexp.MustCompile("cannot unmarshal (!!\\w+) `[^`]*`")
	// rootedPath is one of our paths as kustomize sees it.
	rootedPath = regexp.MustCompile(`(['"( ])/([\w.])`)
)

// redact takes from an error of kustomize what it prints of files, for a file
// may be a decrypted secret, and makes it one paragraph.
func redact(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if strings.Contains(text, "must specify --enable-helm") {
		return errors.New("a generator inflates a Helm chart, which is not supported: make the chart a source of its own")
	}
	text = value.ReplaceAllString(text, "value: …")
	text = config.ReplaceAllString(text, "…")
	text = quotedYAML.ReplaceAllString(text, "cannot unmarshal $1 …")
	text = rootedPath.ReplaceAllString(text, "$1$2")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxError {
		text = text[:maxError] + " …"
	}
	return errors.New(text)
}

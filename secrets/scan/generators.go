package scan

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	sops "github.com/tidelock-io/tidelock/plugins/sops/detect"
)

// generators look at what a kustomization makes Secrets of: literals, and the
// files that it names, where these can be read.
func (c *collector) generators(list *yaml.Node) {
	for _, generator := range list.Content {
		each(generator, func(key, value *yaml.Node) {
			switch key.Value {
			case "literals":
				for _, literal := range value.Content {
					name, plain, _ := strings.Cut(literal.Value, "=")
					c.add(literalRule, name, plain, literal.Line, literal)
				}
			case "files":
				for _, entry := range value.Content {
					c.generatorFile(entry)
				}
			case "envs":
				for _, entry := range value.Content {
					c.generatorVariables(entry)
				}
			case "env":
				c.generatorVariables(value)
			}
		})
	}
}

// generatorFile is for "file" and "key=file", whose whole content is one value.
func (c *collector) generatorFile(entry *yaml.Node) {
	name, file, named := strings.Cut(entry.Value, "=")
	if !named {
		name, file = path.Base(entry.Value), entry.Value
	}
	if data, ok := c.beside(file); ok {
		c.add(fileRule, name, string(data), entry.Line, entry)
	}
}

// generatorVariables is for a file with lines of NAME=value.
func (c *collector) generatorVariables(entry *yaml.Node) {
	data, ok := c.beside(entry.Value)
	if !ok {
		return
	}
	for line := range strings.Lines(string(data)) {
		name, plain, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name == "" || strings.HasPrefix(name, "#") || allowed([]byte(line)) {
			continue
		}
		c.add(fileRule, fmt.Sprintf("%s of %s", name, entry.Value), strings.Trim(plain, `"'`), entry.Line, entry)
	}
}

// beside reads a file that is named from the directory of the text, if it is
// there and in clear.
func (c *collector) beside(name string) ([]byte, bool) {
	if c.text.read == nil || strings.Contains(name, "://") {
		return nil, false
	}
	at := path.Join(path.Dir(c.text.path), name)
	data, err := c.text.read(at)
	if err != nil || sops.Encrypted(at, data) != "" || bytes.Contains(data, []byte("gitleaks:allow")) {
		return nil, false
	}
	return data, true
}

// public says whether a value consists of certificates and public keys.
func public(value string) bool {
	rest, blocks := []byte(value), 0
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			return blocks > 0 && len(bytes.TrimSpace(rest)) == 0
		}
		if block.Type != "CERTIFICATE" && block.Type != "PUBLIC KEY" && block.Type != "RSA PUBLIC KEY" && block.Type != "X509 CRL" {
			return false
		}
		rest = after
		blocks++
	}
}
